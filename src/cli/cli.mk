# cli.mk - the command. It links the core and not the public library: `inspect` shows files that the public interface refuses.

bin_PROGRAMS += stillpoint
stillpoint_SOURCES = \
  src/cli/cli.h \
  src/cli/main.c \
  src/cli/options.c src/cli/options.h \
  src/cli/help.c \
  src/cli/interrupt.c src/cli/interrupt.h \
  src/cli/input.c src/cli/input.h \
  src/cli/engine.c src/cli/engine.h \
  src/cli/progress.c src/cli/progress.h \
  src/cli/utf8.c src/cli/utf8.h \
  src/cli/json.c src/cli/json.h \
  src/cli/json_read.c src/cli/json_read.h \
  src/cli/draw.c src/cli/draw.h \
  src/cli/draw_dots.c src/cli/draw_dots.h \
  src/cli/draw_font.c \
  src/cli/draw_png.c \
  src/cli/output.c src/cli/output.h \
  src/cli/random.c src/cli/random.h \
  src/cli/report.c src/cli/report.h \
  src/cli/answer.c src/cli/answer.h \
  src/cli/dialogue.c src/cli/dialogue.h \
  src/cli/score.c src/cli/score.h \
  src/cli/duet.c src/cli/duet.h \
  src/cli/eval.h \
  src/cli/eval_hay.c src/cli/eval_hay.h \
  src/cli/eval_words.c src/cli/eval_words.h \
  src/cli/eval_sets.c src/cli/eval_sets.h \
  src/cli/eval_text.c src/cli/eval_text.h \
  src/cli/eval_answer.c src/cli/eval_answer.h \
  src/cli/eval_stats.c src/cli/eval_stats.h \
  src/cli/eval_cost.c src/cli/eval_cost.h \
  src/cli/eval_store.c src/cli/eval_store.h \
  src/cli/eval_ask.c src/cli/eval_ask.h \
  src/cli/eval_key.c src/cli/eval_key.h \
  src/cli/eval_work.c src/cli/eval_work.h \
  src/cli/eval_input.c \
  src/cli/eval_sum.c \
  src/cli/eval_print.c \
  src/cli/eval_plot.c \
  src/cli/trace.c src/cli/trace.h \
  src/cli/trace_run.c \
  src/cli/trace_write.c \
  src/cli/trace_read.c \
  src/cli/trace_show.c \
  src/cli/trace_page.c \
  src/cli/trace_plot.c \
  src/cli/calibrate.h \
  src/cli/calibrate_gate.c src/cli/calibrate_gate.h \
  src/cli/calibrate_grid.c \
  src/cli/calibrate_text.c \
  src/cli/calibrate_work.c src/cli/calibrate_work.h \
  src/cli/calibrate_search.c \
  src/cli/calibrate_file.c \
  src/cli/calibrate_print.c \
  src/cli/cmd_ask.c \
  src/cli/cmd_bench.c \
  src/cli/cmd_calibrate.c \
  src/cli/cmd_chat.c \
  src/cli/cmd_cpu.c \
  src/cli/cmd_digest.c \
  src/cli/cmd_eval.c \
  src/cli/cmd_inspect.c \
  src/cli/cmd_perplexity.c \
  src/cli/cmd_plot.c \
  src/cli/cmd_run.c \
  src/cli/cmd_selftest.c \
  src/cli/cmd_tokenize.c \
  src/cli/cmd_trace.c
stillpoint_LDADD = libspcore.la $(PNG_LIBS)

# Completions, under the names that the shells look for.
completions = completions/stillpoint.bash completions/stillpoint.zsh completions/stillpoint.fish
EXTRA_DIST += $(completions)
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(datadir)/bash-completion/completions' '$(DESTDIR)$(datadir)/zsh/site-functions' \
	  '$(DESTDIR)$(datadir)/fish/vendor_completions.d'
	$(INSTALL_DATA) $(srcdir)/completions/stillpoint.bash '$(DESTDIR)$(datadir)/bash-completion/completions/stillpoint'
	$(INSTALL_DATA) $(srcdir)/completions/stillpoint.zsh '$(DESTDIR)$(datadir)/zsh/site-functions/_stillpoint'
	$(INSTALL_DATA) $(srcdir)/completions/stillpoint.fish '$(DESTDIR)$(datadir)/fish/vendor_completions.d/stillpoint.fish'
uninstall-local:
	rm -f '$(DESTDIR)$(datadir)/bash-completion/completions/stillpoint' '$(DESTDIR)$(datadir)/zsh/site-functions/_stillpoint' \
	  '$(DESTDIR)$(datadir)/fish/vendor_completions.d/stillpoint.fish'
