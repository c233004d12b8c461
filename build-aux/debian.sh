# debian.sh - the packages that Stillpoint is built and tested with on Debian 12; to be sourced by ./demo, ./test and .ci/run.
#
# In:  need PACKAGE...  Out: they are installed, by apt-get, as root or through sudo; nothing is done when they are there.
# foreign ARCHITECTURE DIRECTORY PACKAGE... unpacks packages of another architecture into DIRECTORY, and installs nothing.
# On another system: says what is wanted and goes on, since the tools may be there under other names.

packages_build="autoconf automake libtool pkg-config gcc make libc6-dev libopenblas-openmp-dev libnuma-dev libpng-dev"
packages_model="python3 python3-pip ca-certificates"
packages_check="check mandoc g++ python3 python3-numpy"
packages_clang="clang libomp-dev"
packages_dist="xz-utils"
packages_arm="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static"
packages_cross="gcc-riscv64-linux-gnu libc6-dev-riscv64-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
  gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user-static"

need() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is no Debian. Wanted, under whatever name your system gives them: $*" >&2
    return 0
  fi
  missing=
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  echo "Installing:$missing" >&2
  root=
  if [ "$(id -u)" -ne 0 ]; then
    root=$(command -v sudo) || { echo "Run this as root, or install these packages first:$missing" >&2; return 1; }
  fi
  apt_log=$(mktemp)
  # shellcheck disable=SC2086 # lists of words
  if $root apt-get -q update >"$apt_log" 2>&1 &&
    $root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing >>"$apt_log" 2>&1; then
    rm -f "$apt_log"
  else
    tail -n 20 "$apt_log" >&2
    rm -f "$apt_log"
    return 1
  fi
}

# The system's own lists and its architectures stay as they are: lists of the other one lie in DIRECTORY/apt.
foreign() {
  foreign_arch=$1 foreign_dir=$2
  shift 2
  command -v apt-get >/dev/null || { echo "This is no Debian: no packages of $foreign_arch" >&2; return 1; }
  mkdir -p "$foreign_dir/apt/lists/partial" "$foreign_dir/apt/cache/archives/partial" || return 1
  (
    cd "$foreign_dir/apt" || exit 1
    apt() {
      apt-get -q -o Dir::State::lists="$PWD/lists" -o Dir::Cache="$PWD/cache" -o APT::Architectures::="$foreign_arch" "$@"
    }
    for package; do set -- "$@" "$package:$foreign_arch"; shift; done
    { apt update; apt download "$@"; } >apt.out 2>&1 || { tail -n 20 apt.out >&2; exit 1; }
    for file in *.deb; do dpkg -x "$file" .. || exit 1; done
  )
}
