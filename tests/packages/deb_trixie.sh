#!/bin/sh
# The Debian packages, in Debian 13.
RELEASE=trixie
# shellcheck source=tests/packages/deb_lib.sh
. "${JP_SOURCE:?}/tests/packages/deb_lib.sh"
