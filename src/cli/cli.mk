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
  src/cli/json.c src/cli/json.h \
  src/cli/report.c src/cli/report.h \
  src/cli/answer.c src/cli/answer.h \
  src/cli/dialogue.c src/cli/dialogue.h \
  src/cli/score.c src/cli/score.h \
  src/cli/duet.c src/cli/duet.h \
  src/cli/cmd_ask.c \
  src/cli/cmd_bench.c \
  src/cli/cmd_chat.c \
  src/cli/cmd_cpu.c \
  src/cli/cmd_digest.c \
  src/cli/cmd_inspect.c \
  src/cli/cmd_perplexity.c \
  src/cli/cmd_run.c \
  src/cli/cmd_selftest.c \
  src/cli/cmd_tokenize.c
stillpoint_LDADD = libspcore.la

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
