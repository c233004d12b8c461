# driver.sh - where the driver of the tests is; to be sourced: . "$SRC/tests/cuda/driver.sh"
#
# In:  BUILD.  Out: $driver, a directory for LD_LIBRARY_PATH. Ends the script as skipped where this build cannot have it.
driver=$BUILD/tests/cuda/.libs
no_driver=
[ -e "$driver/libcuda.so.1" ] || no_driver='this build has no shared libraries, of which the driver of the tests is one'
grep -q '^#define HAVE_CUDA 1' "$BUILD/build.h" || no_driver='built without CUDA (configure --with-cuda=no)'
if [ -n "$no_driver" ]; then
  echo "1..0 # SKIP $no_driver"
  exit 0
fi
