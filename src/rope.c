/*
 * rope.c - frequencies and tables of the rotary embedding.
 *
 * In:       base, scaling, positions.  Out: cos and sin in fp32.
 * Not here: the rotation itself.
 *
 * Scalings as their papers define them: linear (position interpolation, arXiv 2306.15595), YaRN (arXiv 2309.00071, "NTK by
 * parts"), Llama 3 (wavelength bands). rope_freqs.weight divides the frequencies and replaces a llama3 rule.
 */
#include "rope.h"

#include <math.h>
#include <string.h>

/* ---- double-double: a + b with |b| <= ulp(a)/2, for a pow that rounds right ---------------------------------- */

struct dd {
  double hi, lo;
};

static struct dd two_sum(double a, double b) {
  double s = a + b, t = s - a;
  return (struct dd){s, (a - (s - t)) + (b - t)};
}

static struct dd dd_add(struct dd a, struct dd b) {
  struct dd s = two_sum(a.hi, b.hi);
  return two_sum(s.hi, s.lo + (a.lo + b.lo));
}

static struct dd dd_mul(struct dd a, struct dd b) {
  double p = a.hi * b.hi;
  return two_sum(p, fma(a.hi, b.hi, -p) + (a.hi * b.lo + a.lo * b.hi));
}

static struct dd dd_div(struct dd a, double b) {
  double q = a.hi / b;
  return two_sum(q, (fma(-q, b, a.hi) + a.lo) / b);
}

static const struct dd ln2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

/* 2^n by its bits, -1022 <= n <= 1023. */
static double power_of_two(int n) {
  uint64_t bits = (uint64_t)(n + 1023) << 52;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* e^x, |x| <= 700: x = n ln2 + r, Taylor's series of e^r to r^27 / 27!, below 2^-130 for |r| <= ln2 / 2. */
static struct dd dd_exp(struct dd x) {
  double n = rint(x.hi / ln2.hi);
  struct dd r = dd_add(x, dd_mul((struct dd){-n, 0}, ln2)), sum = {1, 0};
  for (int i = 27; i > 0; i--) sum = dd_add((struct dd){1, 0}, dd_mul(dd_div(r, i), sum));
  double scale = power_of_two((int)n);
  return (struct dd){sum.hi * scale, sum.lo * scale};
}

/* ln x: a series for the first digits, then two of Newton's steps y += x e^-y - 1, each doubling the digits. */
static struct dd dd_log(double x) {
  int e = 0;
  double m = frexp(x, &e), s = (m - 1) / (m + 1), term = s, sum = 0;
  for (int i = 1; i < 40; i += 2, term *= s * s) sum += term / i;
  struct dd y = {2 * sum + e * ln2.hi, 0};
  for (int step = 0; step < 2; step++) {
    struct dd p = dd_mul((struct dd){x, 0}, dd_exp((struct dd){-y.hi, -y.lo}));
    y = dd_add(y, dd_add(p, (struct dd){-1, 0}));
  }
  return y;
}

double sp_rope_pow(double x, double y) { return dd_exp(dd_mul(dd_log(x), (struct dd){y, 0})).hi; }

/* ---- sin, cos ------------------------------------------------------------------------------------------------- */

/* Reduction by pi/2 in three parts, then Taylor's series: the first term left out is below 2^-69 for |r| <= pi/4. */
void sp_rope_sincos(double x, double *sine, double *cosine) {
  static const double part[3] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
  double n = rint(x * 0x1.45f306dc9c883p-1), r = x; /* 2 / pi */
  for (int i = 0; i < 3; i++) r = fma(-n, part[i], r);
  double z = r * r, s = 1, c = 1;
  for (int i = 20; i > 0; i -= 2) { /* s = sin r / r */
    s = 1 - z * s / (i * (i + 1.0));
    c = 1 - z * c / (i * (i - 1.0));
  }
  s *= r;
  switch ((int)((int64_t)n & 3)) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
  }
}

/* ---- frequencies ---------------------------------------------------------------------------------------------- */

static double natural_log(double x) { return dd_log(x).hi; }

static const double two_pi = 0x1.921fb54442d18p+2;

/* The pair whose wavelength makes `turns` turns over the original context. */
static double pair_of_turns(const struct sp_rope_config *c, double turns) {
  return c->n_rot * natural_log(c->original_ctx / (turns * two_pi)) / (2 * natural_log(c->base));
}

static void scale_yarn(const struct sp_rope_config *c, double *frequency, double *magnitude) {
  double low = floor(pair_of_turns(c, c->beta_fast)), high = ceil(pair_of_turns(c, c->beta_slow));
  double last = c->n_rot - 1;
  low = low < 0 ? 0 : low;
  high = high > last ? last : high;
  for (uint32_t i = 0; i < c->n_rot / 2; i++) {
    double ramp = (i - low) / (high - low > 0.001 ? high - low : 0.001);
    ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
    double keep = (1 - ramp) * c->ext_factor; /* 1: the frequency stays, 0: it is divided */
    frequency[i] = frequency[i] / c->factor * (1 - keep) + frequency[i] * keep;
  }
  *magnitude = c->attn_factor * (c->ext_factor != 0 ? 1 + 0.1 * natural_log(c->factor) : 1);
}

static void scale_llama3(const struct sp_rope_config *c, double *frequency) {
  double longest = c->original_ctx / c->low_freq, shortest = c->original_ctx / c->high_freq;
  for (uint32_t i = 0; i < c->n_rot / 2; i++) {
    double wavelength = two_pi / frequency[i];
    if (wavelength < shortest) continue;
    double smooth = wavelength > longest ? 0 : (c->original_ctx / wavelength - c->low_freq) / (c->high_freq - c->low_freq);
    frequency[i] = (1 - smooth) * frequency[i] / c->factor + smooth * frequency[i];
  }
}

static double divisor_at(const struct sp_tensor *freqs, uint32_t i) {
  float value;
  memcpy(&value, freqs->data + i * sizeof value, sizeof value);
  return value;
}

void sp_rope_frequencies(const struct sp_rope_config *c, double frequency[SP_ROPE_MOST], double *magnitude) {
  *magnitude = 1;
  for (uint32_t i = 0; i < c->n_rot / 2; i++) {
    frequency[i] = sp_rope_pow(c->base, -(2.0 * i) / c->n_rot);
    if (c->freqs) frequency[i] /= divisor_at(c->freqs, i);
    if (c->scaling == SP_SCALING_LINEAR) frequency[i] /= c->factor;
  }
  if (c->scaling == SP_SCALING_YARN) scale_yarn(c, frequency, magnitude);
  if (c->scaling == SP_SCALING_LLAMA3 && !c->freqs) scale_llama3(c, frequency);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

still_status sp_rope_grow(struct sp_ctx *ctx, const struct sp_rope_config *config, struct sp_rope *rope, size_t positions) {
  if (positions <= rope->positions) return STILL_OK;
  struct sp_rope to = {.half = config->n_rot / 2, .positions = positions};
  to.c = sp_alloc(ctx, positions * to.half, sizeof(float), "the RoPE tables");
  to.s = sp_alloc(ctx, positions * to.half, sizeof(float), "the RoPE tables");
  if (!to.c || !to.s) {
    sp_rope_free(ctx, &to);
    return STILL_ENOMEM;
  }
  double frequency[SP_ROPE_MOST], magnitude;
  sp_rope_frequencies(config, frequency, &magnitude);
  size_t kept = rope->positions * to.half;
  if (kept) {
    memcpy(to.c, rope->c, kept * sizeof(float));
    memcpy(to.s, rope->s, kept * sizeof(float));
  }
  for (size_t i = kept; i < positions * to.half; i++) {
    double sine, cosine;
    sp_rope_sincos((double)(i / to.half) * frequency[i % to.half], &sine, &cosine);
    to.c[i] = (float)(cosine * magnitude);
    to.s[i] = (float)(sine * magnitude);
  }
  sp_rope_free(ctx, rope);
  *rope = to;
  return STILL_OK;
}

size_t sp_rope_partner(const struct sp_rope_config *config, size_t i) {
  size_t half = config->n_rot / 2;
  if (i >= config->n_rot) return i;
  if (config->style == SP_ROPE_PAIR) return i ^ 1;
  return i < half ? i + half : i - half;
}

void sp_rope_free(struct sp_ctx *ctx, struct sp_rope *rope) {
  sp_free(ctx, rope->c, rope->positions * rope->half, sizeof(float));
  sp_free(ctx, rope->s, rope->positions * rope->half, sizeof(float));
  memset(rope, 0, sizeof *rope);
}
