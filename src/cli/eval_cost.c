/*
 * eval_cost.c - counting multiply-adds.
 *
 * In:       shapes.  Out: operations.
 * Not here: what is done with them.
 */
#include "eval_cost.h"

#include <math.h>

/* A half of a layer on n rows. Attention: every row sees itself and all before it, for scores and for values. */
static double attention(const still_model_info *m, double n) {
  double e = m->n_embd, q = (double)m->n_heads * m->head_dim, kv = (double)m->n_kv_heads * m->head_dim;
  return n * e * (2 * q + 2 * kv) + n * (n + 1) * q;
}

static double feed_forward(const still_model_info *m, double n) { return 3.0 * n * m->n_embd * m->n_ff; }

double eval_cost(const still_model_info *m, const struct eval_shape *s) {
  double rows = (double)s->tokens, sum = (double)m->n_embd * m->n_vocab; /* logits of the last row */
  unsigned gate = s->start_layer;
  bool first = true;
  for (unsigned layer = 0; layer < m->n_layers; layer++) {
    sum += attention(m, rows);
    double all = rows;
    if (layer == gate) {
      rows = first ? (double)s->kept : rows - floor(s->ratio * rows);
      gate = s->every ? gate + s->every : m->n_layers;
      first = false;
    }
    sum += feed_forward(m, s->block && all > rows ? all : rows);
  }
  return sum;
}
