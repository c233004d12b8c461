# man.mk - manual pages, written by hand in mdoc.

dist_man_MANS = \
  man/stillpoint-ask.1 man/stillpoint-bench.1 man/stillpoint-calibrate.1 man/stillpoint-chat.1 man/stillpoint-cpu.1 man/stillpoint-digest.1 \
  man/stillpoint-eval.1 man/stillpoint-inspect.1 man/stillpoint-perplexity.1 \
  man/stillpoint-plot.1 man/stillpoint-run.1 man/stillpoint-selftest.1 man/stillpoint-tokenize.1 man/stillpoint-trace.1 \
  man/stillpoint.1 man/still_hooks.3 \
  man/still_isa_describe.3 man/still_model_open.3 man/still_sampler_open.3 man/still_session_open.3 \
  man/still_settings_new.3 man/still_tokenize.3 man/stillpoint.3 man/stillpoint-calibration.5 man/stillpoint-settings.5 man/stillpoint-halting.7 \
  man/stillpoint-numerics.7

# A page of section 3 describes several functions; each gets a link by its own name.
install-data-hook:
	cd '$(DESTDIR)$(mandir)/man3' && for page in still_*.3; do \
	  test -L $$page || for name in `sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \(still_[a-z0-9_]*\).*/\1/p' $$page`; do \
	    test $$name.3 = $$page || $(LN_S) -f $$page $$name.3; done; done
uninstall-hook:
	cd '$(DESTDIR)$(mandir)/man3' 2>/dev/null && for link in still_*.3; do if test -L $$link; then rm -f $$link; fi; done || :
