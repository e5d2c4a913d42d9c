# Probes of jira-pat: dependencies with a helpful message, warnings,
# hardening, sanitizers.

# JP_MISSING(WHAT, DEBIAN-PACKAGE)
AC_DEFUN([JP_MISSING],
[AC_MSG_ERROR([$1 is missing: on Debian or Ubuntu, apt-get install $2])])

# JP_PKG(VARIABLE, PKG-CONFIG-SPEC, DEBIAN-PACKAGE)
AC_DEFUN([JP_PKG],
[PKG_CHECK_MODULES([$1], [$2], [], [JP_MISSING([$2], [$3])])])

# JP_LIB(VARIABLE, HEADER, LIBRARIES, FUNCTION, DEBIAN-PACKAGE)
# For libraries without a pkg-config file: sets VARIABLE_LIBS.
AC_DEFUN([JP_LIB],
[AC_CHECK_HEADER([$2], [], [JP_MISSING([$2], [$5])])
jp_save_LIBS=$LIBS
AC_SEARCH_LIBS([$4], [$3], [$1_LIBS=$ac_cv_search_$4],
    [JP_MISSING([$4()], [$5])])
AS_IF([test "$$1_LIBS" = "none required"], [$1_LIBS=])
LIBS=$jp_save_LIBS
AC_SUBST([$1_LIBS])])

# JP_TRY_FLAGS(VARIABLE, FLAGS): appends each flag that compiler and linker take.
AC_DEFUN([JP_TRY_FLAGS],
[for jp_flag in m4_normalize([$2]); do
  jp_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $jp_flag"
  AC_MSG_CHECKING([whether $CC accepts $jp_flag])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
      [AC_MSG_RESULT([yes]); $1="$$1 $jp_flag"], [AC_MSG_RESULT([no])])
  CFLAGS=$jp_save_CFLAGS
done
AC_SUBST([$1])])

# Hardening, on by default.
AC_DEFUN([JP_HARDENING],
[AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening],
    [build without PIE, RELRO, stack protector and fortified libc calls])],
    [], [enable_hardening=yes])
HARDEN_CFLAGS= HARDEN_LDFLAGS= PIE_CFLAGS= PIE_LDFLAGS=
AS_IF([test "$enable_hardening" = yes], [
  JP_TRY_FLAGS([HARDEN_CFLAGS], [-fstack-protector-strong
      -fstack-clash-protection -fcf-protection])
  AS_CASE([" $CFLAGS "], [*" -O0 "*|*" -D_FORTIFY_SOURCE"*], [],
      [HARDEN_CFLAGS="$HARDEN_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
  JP_TRY_FLAGS([HARDEN_LDFLAGS], [-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack])
  JP_TRY_FLAGS([PIE_CFLAGS], [-fPIE])
  JP_TRY_FLAGS([PIE_LDFLAGS], [-pie])
])
AC_SUBST([HARDEN_CFLAGS])])

AC_DEFUN([JP_WARNINGS],
[AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
    [treat compiler warnings as errors])])
WARN_CFLAGS=
JP_TRY_FLAGS([WARN_CFLAGS], [-Wall -Wextra -Wconversion -Wsign-conversion
    -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wwrite-strings -Wpointer-arith -Wcast-qual -Wundef -Wformat=2 -Wvla
    -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference])
AS_IF([test "$enable_werror" = yes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])])

# --enable-sanitizer=LIST, for instance address,undefined or thread.
AC_DEFUN([JP_SANITIZER],
[AC_ARG_ENABLE([sanitizer], [AS_HELP_STRING([--enable-sanitizer=LIST],
    [build with -fsanitize=LIST, such as address,undefined or thread])],
    [], [enable_sanitizer=no])
SANITIZER_FLAGS=
AS_CASE([$enable_sanitizer],
    [no], [],
    [yes], [AC_MSG_ERROR([--enable-sanitizer needs a list, such as address,undefined])],
    [SANITIZER_FLAGS="-fsanitize=$enable_sanitizer -fno-omit-frame-pointer -g"])
AS_IF([test "$enable_sanitizer" != no], [AC_DEFINE([JP_SANITIZED], [1],
    [The sandbox lets a sanitizer look at the process, and report.])])
# gcov(1) writes what it has counted beside the objects, at the end.
AS_CASE([" $CFLAGS "], [*" --coverage "*],
    [AC_DEFINE_UNQUOTED([JP_COVERAGE_DIR], ["$(pwd)"],
        [The sandbox lets counts be written there.])])
AC_SUBST([SANITIZER_FLAGS])
AM_CONDITIONAL([SANITIZED], [test "$enable_sanitizer" != no])])
