#!/bin/sh
# The Debian packages, in Debian 12.
RELEASE=bookworm
# shellcheck source=tests/packages/deb_lib.sh
. "${JP_SOURCE:?}/tests/packages/deb_lib.sh"
