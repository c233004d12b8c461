#!/bin/sh
# Makes configure and Makefile.in in a fresh checkout. Needs autoconf 2.71, automake 1.16, libtool and pkg-config (pkg.m4).
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all
