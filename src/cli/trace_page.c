/*
 * trace_page.c - a trace as one HTML page: halted tokens dim, each token's scores where the pointer rests.
 *
 * In:       struct trace.  Out: HTML that needs no file beside it, no script and no network.
 * Not here: pictures (trace_plot.c).
 */
#include <string.h>

#include "report.h"
#include "trace.h"
#include "utf8.h"

static void put(FILE *out, const char *text, size_t bytes) {
  static const char special[] = "&<>\"'";
  static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  for (size_t left = bytes, n; left > 0; text += n, left -= n) {
    const char *at = *text ? strchr(special, *text) : NULL;
    size_t good = utf8_printable(text, left);
    n = good ? good : 1;
    if (at)
      fputs(names[at - special], out);
    else if (good)
      fwrite(text, 1, n, out);
    else
      fputs(UTF8_REPLACEMENT, out);
  }
}

static void put_text(FILE *out, const char *text) { put(out, text, strlen(text)); }

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    ":root { color-scheme: light dark; --ink: #111; --back: #fff; --halted: #a3a3a3; --kept: #dbe9f8; --line: #ccc; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  :root { --ink: #eee; --back: #181818; --halted: #707070; --kept: #1f3a5c; --line: #444; }\n}\n"
    "body { max-width: 60em; margin: 2em auto; padding: 0 1em; background: var(--back); color: var(--ink); "
    "font: 16px/1.5 sans-serif; }\n"
    "h1 { font-size: 1.3em; }\n"
    "table { border-collapse: collapse; margin: 1em 0; font-size: 0.9em; }\n"
    "th, td { border: 1px solid var(--line); padding: 0.2em 0.7em; text-align: right; }\n"
    "pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.6 monospace; border: 1px solid var(--line); "
    "padding: 1em; }\n"
    ".h { color: var(--halted); }\n"
    ".k { background: var(--kept); }\n"
    "code { font-size: 0.9em; }\n"
    "</style>\n";

static void put_gates(const struct trace *t, FILE *out) {
  if (t->n_gates == 0) {
    fputs("<p>Nothing was halted: ", out);
    put_text(out, *t->why_dense ? t->why_dense : "there was no gate");
    fputs(".</p>\n", out);
    return;
  }
  fputs("<table>\n<tr><th>gate at layer</th><th>tokens that came</th><th>kept</th><th>halted</th><th>tau</th></tr>\n", out);
  for (size_t g = 0; g < t->n_gates; g++)
    fprintf(out, "<tr><td>%u</td><td>%llu</td><td>%llu</td><td>%llu</td><td>%.6g</td></tr>\n", t->gate[g].layer,
            (unsigned long long)t->gate[g].rows, (unsigned long long)t->gate[g].kept,
            (unsigned long long)(t->gate[g].rows - t->gate[g].kept), (double)t->gate[g].tau);
  fputs("</table>\n", out);
}

static void put_head(const struct trace *t, FILE *out) {
  char settings[512];
  uint64_t kept = trace_kept(t);
  report_describe(t->settings, settings, sizeof settings);
  fputs(head, out);
  fputs("<title>", out);
  put_text(out, trace_model(t));
  fprintf(out, ": %llu of %zu tokens kept</title>\n</head>\n<body>\n<h1>", (unsigned long long)kept, t->n_tokens);
  put_text(out, trace_model(t));
  fprintf(out, ": %llu of %zu tokens kept (%.1f %%)</h1>\n<p><code>", (unsigned long long)kept, t->n_tokens,
          100 * (double)kept / (double)t->n_tokens);
  put_text(out, settings);
  fputs("</code></p>\n", out);
  put_gates(t, out);
  fprintf(out, "<p><span class=\"k\">kept through all %u layers</span> &#160; <span class=\"h\">halted at a gate</span> &#160; "
               "The scores of a token show where the pointer rests on it.</p>\n<pre>", t->n_layers);
}

/* "token 412, id 1234&#10;layer 9: score 0.0123, kept" */
static void put_title(const struct trace *t, size_t i, FILE *out) {
  const struct trace_token *token = &t->token[i];
  fprintf(out, "token %zu, id %d", i, (int)token->id);
  for (size_t g = 0; g < t->n_gates && g <= token->passed; g++)
    fprintf(out, "&#10;layer %u: score %.6g, %s", t->gate[g].layer, (double)t->gate[g].score[i],
            token->passed > g ? "kept" : "halted");
}

void trace_page(const struct trace *t, FILE *out) {
  struct trace_piece p = {0};
  put_head(t, out);
  while (trace_next(t, &p)) {
    fprintf(out, "<span class=\"%s\" title=\"", t->n_gates == 0 ? "d" : p.passed < t->n_gates ? "h" : "k");
    for (size_t i = p.first; i < p.last; i++) {
      if (i > p.first) fputs("&#10;", out);
      put_title(t, i, out);
    }
    fputs("\">", out);
    put(out, p.text, p.bytes);
    fputs("</span>", out);
  }
  fputs("</pre>\n</body>\n</html>\n", out);
}
