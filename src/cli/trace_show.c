/*
 * trace_show.c - the text of a trace for a terminal: halted tokens dim, kept ones as they are.
 *
 * In:       struct trace.  Out: the text; nothing in it can command the terminal.
 * Not here: whether a terminal is there (cmd_trace.c).
 *
 * Without dimming, what was halted stands between [- and -].
 */
#include "trace.h"
#include "utf8.h"

static const struct marks {
  const char *begin, *end;
  bool by_line; /* pagers forget it at the end of a line */
} dimmed = {"\033[2m", "\033[22m", true}, marked = {"[-", "-]", false};

static void put(const struct marks *marks, bool halted, const char *text, size_t bytes, FILE *out) {
  for (size_t left = bytes, n; left > 0; text += n, left -= n) {
    bool line = *text == '\n' && halted && marks->by_line;
    size_t good = utf8_printable(text, left);
    n = good ? good : 1;
    if (line) fputs(marks->end, out);
    if (good)
      fwrite(text, 1, n, out);
    else
      fputs(UTF8_REPLACEMENT, out);
    if (line) fputs(marks->begin, out);
  }
}

void trace_show(const struct trace *t, FILE *out, bool dim) {
  const struct marks *marks = dim ? &dimmed : &marked;
  struct trace_piece p = {0};
  bool halted = false;
  while (trace_next(t, &p)) {
    bool now = p.passed < t->n_gates;
    if (now != halted) fputs(now ? marks->begin : marks->end, out);
    halted = now;
    put(marks, halted, p.text, p.bytes, out);
  }
  if (halted) fputs(marks->end, out);
  fputc('\n', out);
}
