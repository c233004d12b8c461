# man.mk - manual pages, written by hand in mdoc.

dist_man_MANS =
