# sp_flags.m4 - flags of compiler and linker, and the arithmetic that the numeric contract stands on.

# SP_APPEND_CFLAGS(VARIABLE, FLAGS, [required])
# Adds FLAGS to VARIABLE if the compiler takes them without a word. clang warns about what it does not know, hence -Werror.
AC_DEFUN([SP_APPEND_CFLAGS], [
  AC_MSG_CHECKING([whether $CC takes $2])
  sp_saved_CFLAGS=$CFLAGS
  CFLAGS="-Werror $2 $CFLAGS"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [sp_takes=yes], [sp_takes=no])
  CFLAGS=$sp_saved_CFLAGS
  AC_MSG_RESULT([$sp_takes])
  AS_VAR_IF([sp_takes], [yes], [AS_VAR_APPEND([$1], [" $2"])],
            [m4_if([$3], [required], [AC_MSG_ERROR([$2 is needed for results that are equal everywhere, and $CC refuses it])], [:])])
])

# Every fp32 operation must round to fp32 once, and none may be dropped, merged or reordered.
AC_DEFUN([SP_CHECK_ARITHMETIC], [
  AC_MSG_CHECKING([whether float arithmetic is exact fp32])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
    #include <float.h>
    #if !defined FLT_EVAL_METHOD || FLT_EVAL_METHOD != 0
    #error "float expressions are evaluated in a wider type"
    #endif
    #if defined __FAST_MATH__ || (defined __FINITE_MATH_ONLY__ && __FINITE_MATH_ONLY__)
    #error "fast math"
    #endif
    _Static_assert(sizeof(float) == 4 && FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53, "IEEE 754");
    ]])], [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([with these flags the compiler does not compute in plain fp32 (FLT_EVAL_METHOD is not 0, or -ffast-math is on),
  so results could not be equal on all machines. Remove -ffast-math and -Ofast from CFLAGS; on 32-bit x86 add -msse2 -mfpmath=sse.])])
])

# --enable-asan: AddressSanitizer and UndefinedBehaviorSanitizer in everything that is built.
AC_DEFUN([SP_ENABLE_ASAN], [
  AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with AddressSanitizer and UndefinedBehaviorSanitizer])],
                [], [enable_asan=no])
  AS_VAR_IF([enable_asan], [yes], [
    SP_APPEND_CFLAGS([ASAN_FLAGS], [-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer], [required])
  ])
  AC_SUBST([ASAN_FLAGS])
])

# SP_APPEND_LDFLAGS(VARIABLE, FLAGS)
AC_DEFUN([SP_APPEND_LDFLAGS], [
  AC_MSG_CHECKING([whether the linker takes $2])
  sp_saved_LDFLAGS=$LDFLAGS
  LDFLAGS="$LDFLAGS $2"
  AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes]); AS_VAR_APPEND([$1], [" $2"])], [AC_MSG_RESULT([no])])
  LDFLAGS=$sp_saved_LDFLAGS
])

# LIB_LDFLAGS for the public library alone. -z defs: an undefined symbol is an error when the library is linked, not when a program
# is (libtool's -no-undefined checks nothing on Linux). clang's sanitizers leave their runtime undefined in libraries, so not there.
AC_DEFUN([SP_LINK_FLAGS], [
  AS_VAR_IF([enable_asan], [yes], [], [SP_APPEND_LDFLAGS([LIB_LDFLAGS], [-Wl,-z,defs])])
  AC_MSG_CHECKING([whether the linker takes a version script])
  AS_ECHO(["SP_TRY { local: *; };"]) > conftest.map
  sp_saved_LDFLAGS=$LDFLAGS
  LDFLAGS="$LDFLAGS -shared -fPIC -Wl,--version-script=conftest.map"
  AC_LINK_IFELSE([AC_LANG_SOURCE([int f(void); int f(void) { return 0; }])], [sp_map=yes], [sp_map=no])
  LDFLAGS=$sp_saved_LDFLAGS
  rm -f conftest.map
  AC_MSG_RESULT([$sp_map])
  AM_CONDITIONAL([HAVE_VERSION_SCRIPT], [test "$sp_map" = yes])
  AC_SUBST([LIB_LDFLAGS])
])

# Tarballs that are equal whenever and by whomever they are made: order, owner, mode and time of the members are fixed. The time is
# that of the last commit (SOURCE_DATE_EPOCH wins). automake's "dist" and "distdir" call $(am__tar).
AC_DEFUN([SP_REPRODUCIBLE_TAR], [
  am__tar='$${TAR-tar} --format=ustar --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rw,go+r,go-w --mtime="@$$($(SHELL) $(srcdir)/build-aux/dist-time.sh $(srcdir))" -chf - "$$tardir"'
])
