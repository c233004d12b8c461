# man.mk - manual pages, written by hand in mdoc.

dist_man_MANS = \
  man/stillpoint-bench.1 man/stillpoint-cpu.1 man/stillpoint-digest.1 man/stillpoint-inspect.1 man/stillpoint-perplexity.1 man/stillpoint-run.1 \
  man/stillpoint-selftest.1 man/stillpoint-tokenize.1 man/stillpoint.1 man/stillpoint-settings.5
