#!/bin/sh
# dist-time.sh - the time, in seconds, that the members of a source tarball carry.
#
# In:  the source directory.  Out: SOURCE_DATE_EPOCH if it is set, else the time of the last commit, else (a tree that was itself
#      unpacked from a tarball) the time of configure.ac, which such a tarball fixed.
set -eu
if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
  echo "$SOURCE_DATE_EPOCH"
elif [ -e "$1/.git" ] && time=$(git -C "$1" log -1 --format=%ct 2>/dev/null); then
  echo "$time"
else
  stat -c %Y "$1/configure.ac"
fi
