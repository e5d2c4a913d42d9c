#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The page of users behind a real nginx, in a browser without scripts.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/page.sh
. "$JP_SOURCE/tests/lib/page.sh"

page_needs cat # which the examples are run with
PAGE_LINES="url = https://pat.example.com/tokens
api_url = https://api.example.com/jira"
page_make
page_run python3 page.py
page_secrets
done_testing
