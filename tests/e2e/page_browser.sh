#!/bin/sh
# shellcheck source-path=SCRIPTDIR/../..
# The page of users behind a real nginx, in a real Chromium.

# shellcheck source=tests/lib/tap.sh
. "$JP_SOURCE/tests/lib/tap.sh"
# shellcheck source=tests/lib/world.sh
. "$JP_SOURCE/tests/lib/world.sh"
# shellcheck source=tests/lib/page.sh
. "$JP_SOURCE/tests/lib/page.sh"

# page_selenium: prints a python that has it: another one may come first in PATH.
page_selenium() {
	for page_python in python3 /usr/bin/python3; do
		"$page_python" -c 'import selenium.webdriver' 2>/dev/null || continue
		echo "$page_python"
		return 0
	done
	return 1
}

page_needs chromium chromedriver
python=$(page_selenium) || skip_all "missing here: python3-selenium"
page_make
page_run "$python" page_browser.py
page_secrets
done_testing
