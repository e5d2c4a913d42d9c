"""The page of users in Chromium: see page_browser.sh."""

import os
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from page_client import has, keep_token, report, same

WAIT = 60  # seconds: only a hang takes them
HOSTILE = "<img src=x onerror=alert(1)> \u202e\u05e9 " + "w" * 60
LONG = "w" * 128

# What is wrong with a page, as a list of texts.
CHECKS = r"""
const wrong = [];
const name = (node) => (node.getAttribute("aria-label") ||
    (node.getAttribute("aria-labelledby") || "").split(" ")
        .map((id) => (document.getElementById(id) || {}).textContent || "")
        .join(" ") ||
    [...(node.labels || [])].map((label) => label.textContent).join(" ") ||
    (/^(A|BUTTON|SUMMARY)$/.test(node.tagName) ? node.textContent : ""))
    .trim();
const shown = (node) => node.checkVisibility({ visibilityProperty: true });
const say = (what, node) =>
    wrong.push(what + ": " + node.outerHTML.slice(0, 120));
for (const node of document.querySelectorAll(
    "input:not([type=hidden]), select, textarea, button, a, summary, " +
    "[role=textbox], nav, form[role=search]"))
	if (!name(node))
		say("no name", node);
const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
ids.filter((id, i) => ids.indexOf(id) !== i)
    .forEach((id) => wrong.push("id twice: " + id));
for (const node of document.querySelectorAll("[tabindex]"))
	if (node.tabIndex > 0)
		say("tabindex", node);
for (const attribute of ["aria-describedby", "aria-labelledby", "for"])
	for (const node of document.querySelectorAll("[" + attribute + "]"))
		for (const id of node.getAttribute(attribute).split(" "))
			if (!document.getElementById(id))
				say(attribute + " of nothing", node);
let level = 0;
for (const node of document.querySelectorAll("main h1, main h2, main h3")) {
	if (!shown(node))
		continue;
	if (+node.tagName[1] > level + 1)
		say("heading", node);
	level = +node.tagName[1];
}
if (document.querySelectorAll("h1").length !== 1 || !document.title ||
    !document.documentElement.lang)
	wrong.push("h1, title or lang");
if (document.querySelectorAll("main, header, footer").length !== 3)
	wrong.push("landmarks");

/* Contrast, of what is computed: WCAG 2.2, 1.4.3. */
const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
const light = (color) => color.slice(0, 3)
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92
        : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (node) => {
	for (let at = node; at; at = at.parentElement) {
		const color = rgb(getComputedStyle(at).backgroundColor);
		if (color.length < 4 || color[3] > 0.99)
			return color;
		if (color[3] > 0.01)
			wrong.push("half transparent: " + at.className);
	}
	return [255, 255, 255];
};
let texts = 0;
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
	const node = walker.currentNode.parentElement;
	if (!walker.currentNode.data.trim() || !shown(node) ||
	    node.closest(".hidden, .skip, option, script"))
		continue;
	const [a, b] = [light(rgb(getComputedStyle(node).color)),
	    light(ground(node))];
	const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	texts++;
	if (ratio < 4.5)
		say("contrast " + ratio.toFixed(2), node);
}
if (texts < 5)
	wrong.push("no texts");
if (document.documentElement.scrollWidth > innerWidth)
	wrong.push("scrolls to the side: " +
	    document.documentElement.scrollWidth + " > " + innerWidth + " " +
	    [...document.querySelectorAll("body *")].filter((node) =>
	        node.getBoundingClientRect().right > innerWidth + 1)
	        .map((node) => node.tagName + "." + node.className).slice(0, 5));
return wrong;
"""


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--lang=en",
                         "--no-first-run", "--disable-background-networking",
                         "--disable-component-update", "--disable-sync",
                         "--user-data-dir=%s/chromium" % os.environ["SCRATCH"]):
            options.add_argument(argument)
        options.add_experimental_option(
            "prefs", {"intl.accept_languages": "en"})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            service=Service(self.find("chromedriver")), options=options)
        self.driver.set_page_load_timeout(WAIT)
        self.server = os.environ["PAGE_alice"]
        self.visited = 0
        self.complaints = []

    @staticmethod
    def find(program):
        for folder in os.environ["PATH"].split(":"):
            if os.access(os.path.join(folder, program), os.X_OK):
                return os.path.join(folder, program)
        raise FileNotFoundError(program)

    def end(self):
        self.driver.quit()

    # -- what is seen --

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition):
        return WebDriverWait(self.driver, WAIT).until(
            lambda _: condition())

    @property
    def title(self):
        return self.one("h1").text

    @property
    def text(self):
        return self.one("body").text

    @property
    def focused(self):
        return self.driver.switch_to.active_element

    # -- what is done --

    def look(self):
        """Errors of scripts, files that are not there, breaches of the CSP."""
        self.visited += 1
        for line in self.driver.get_log("browser"):
            # That a page is an answer with 4xx is said there, too.
            if "favicon" not in line["message"] and not (
                    line["source"] == "network" and
                    "/tokens" in line["message"] and
                    "static" not in line["message"]):
                self.complaints.append(line["message"])

    def get(self, path):
        self.driver.get(self.server + path)
        self.look()

    def follow(self, node):
        """A click that leads to another page."""
        before = self.one("html")
        node.click()
        self.wait(lambda: self.is_gone(before) and self.driver.execute_script(
            "return document.readyState") == "complete")
        self.look()

    @staticmethod
    def is_gone(node):
        try:
            return node.tag_name is None
        except Exception:  # it belongs to another page
            return True

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def command(self, name, **values):
        self.driver.execute_cdp_cmd(name, values)

    def width(self, pixels):
        self.command("Emulation.setDeviceMetricsOverride", width=pixels,
                     height=800, deviceScaleFactor=1, mobile=pixels < 500)

    def scheme(self, name, motion="no-preference"):
        self.command("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": name},
            {"name": "prefers-reduced-motion", "value": motion}])

    def check(self, what):
        """This page, in both schemes, at a desk and on a phone."""
        wrong = []
        for scheme in ("light", "dark"):
            for width in (1200, 360, 320):
                self.scheme(scheme)
                self.width(width)
                wrong += ["%s, %d px: %s" % (scheme, width, one) for one in
                          self.driver.execute_script(CHECKS)]
        self.scheme("light")
        self.width(1200)
        same("%s: names, ids, headings, contrast, width" % what, wrong, [])

    def cards(self):
        return {card.get_attribute("id")[2:]: card
                for card in self.all(".card")}


def made(browser):
    token = browser.one("#token").text
    keep_token(token)
    return token


def create(browser, name, lifetime=None):
    browser.get("/tokens/new")
    browser.one("#name").send_keys(name)
    if lifetime:
        Select(browser.one("#lifetime")).select_by_value(lifetime)
    browser.follow(browser.one("button.main"))
    return made(browser)


def an_empty_list(browser):
    browser.get("/tokens")
    same("a new user sees an empty list", browser.title, "Your access tokens")
    browser.check("the empty list")
    browser.press(Keys.TAB)
    same("the first key reaches the link to the content",
         browser.focused.text, "Skip to the content")
    report(browser.focused.is_displayed() and
           browser.focused.location["x"] >= 0, "which is seen then")
    outline = browser.driver.execute_script(
        "return getComputedStyle(document.activeElement).outlineStyle")
    same("with a line around it", outline, "solid")
    browser.press(Keys.ENTER)
    same("and leads there", browser.focused.get_attribute("id"), "main")


def a_token_by_keyboard(browser):
    browser.follow(browser.one("main a.button"))
    same("the form", browser.title, "New access token")
    browser.check("the form")
    browser.one("summary").click()
    browser.check("the form, with all limits")
    browser.one("#name").click()
    browser.press("nightly build")
    browser.driver.execute_script(
        "document.getElementById('expires').value = '2099-01-01';"
        "document.getElementById('expires').dispatchEvent("
        "new Event('input'));")
    same("a date that is given is meant",
         browser.one("#lifetime").get_property("value"), "custom")
    browser.driver.execute_script(
        "document.getElementById('expires').value = '';")
    Select(browser.one("#lifetime")).select_by_value("7")
    browser.one("input[name=scopes][value=read]").send_keys(Keys.SPACE)
    before = browser.one("html")
    browser.one("#name").send_keys(Keys.ENTER)
    browser.wait(lambda: browser.is_gone(before) and
                 browser.all("#token"))
    browser.look()
    return made(browser)


def copying(browser, token):
    has("the examples name this server", browser.text,
        browser.server.replace("http:", "https:") + "/rest/api/2/myself")
    browser.check("the page with the token")
    origin = browser.server
    browser.command("Browser.grantPermissions", origin=origin, permissions=[
        "clipboardReadWrite", "clipboardSanitizedWrite"])
    region = browser.one("#copied")
    same("the live region is there before, empty, and no part of the button",
         [region.text, region.get_attribute("aria-live"),
          browser.all("#copy #copied")], ["", "polite", []])
    browser.one("#copy").send_keys(Keys.ENTER)
    browser.wait(lambda: region.text)
    same("the button copies, and that is said", region.text, "Copied.")
    same("it is the token", browser.driver.execute_async_script(
        "navigator.clipboard.readText().then(arguments[0], "
        "(error) => arguments[0](String(error)))"), token)
    browser.command("Browser.resetPermissions")
    browser.command("Browser.setPermission", origin=origin, setting="denied",
                    permission={"name": "clipboard-write"})
    browser.driver.execute_script(
        "navigator.clipboard.writeText = () => Promise.reject();")
    browser.one("#copy").click()
    browser.wait(lambda: region.text.startswith("Not copied"))
    same("where that fails, it is selected", browser.driver.execute_script(
        "return String(getSelection())"), token)


def the_list(browser, token):
    browser.get("/tokens")
    card = browser.cards()[token[5:13]]
    has("the list has it, in words", card.text, "nightly build", "live",
        "Read only (read)", "in 7 days", "Expires soon")
    report(token not in browser.driver.page_source, "but not its text")
    time = card.find_element(By.CSS_SELECTOR, "time")
    browser.driver.execute_script(
        "arguments[0].dateTime = new Date(Date.now() + 5 * 864e5)"
        ".toISOString(); document.querySelector('#t-x');", time)
    browser.driver.refresh()
    browser.check("the list")


def names(browser):
    for name in (HOSTILE, LONG, "😀" * 32):
        create(browser, name)
        browser.check("a token named %.12s" % name)
        browser.get("/tokens")
        same("it is shown as it is: %.12s" % name,
             [node.get_property("textContent") for node in
              browser.all("h2 bdi")].count(name), 1)
    browser.check("a list with such names")
    browser.follow(browser.one("h2 a"))
    browser.check("the details of one")
    same("nothing of a name is markup", browser.all("main img"), [])


def revoking(browser, token):
    browser.get("/tokens")
    link = browser.cards()[token[5:13]].find_element(By.CSS_SELECTOR,
                                                     "a.revoke")
    link.send_keys(Keys.ENTER)
    dialog = browser.one("#ask")
    browser.wait(dialog.is_displayed)
    has("revoking asks, in a dialog", dialog.text, "Revoke this token?",
        "nightly build", "cannot be brought back")
    same("the dialog has a name, and says what it does",
         [dialog.aria_role, dialog.accessible_name,
          browser.driver.execute_script(
              "return arguments[0].getAttribute('aria-describedby')", dialog)],
         ["dialog", "Revoke this token?", "ask-about ask-text"])
    same("what does no harm has the focus",
         browser.focused.get_attribute("id"), "ask-cancel")
    browser.check("the dialog")
    browser.press(Keys.ESCAPE)
    browser.wait(lambda: not dialog.is_displayed())
    report(browser.focused == link, "Escape closes it, back to the link")
    link.click()
    browser.one("#ask-cancel").click()
    browser.wait(lambda: not dialog.is_displayed())
    same("so does Cancel; nothing was done",
         browser.cards()[token[5:13]].get_attribute("data-state"), "live")
    link.click()
    browser.follow(dialog.find_element(By.CSS_SELECTOR, "button.danger"))
    has("else the token is revoked, and that is said",
        browser.one("[role=status]").text, "The token is revoked.")
    report(token[5:13] not in browser.cards(), "and gone from the list")
    browser.get("/tokens?state=dead")
    browser.check("the list of those that ended")


def a_life(browser):
    token = create(browser, "a whole life", "30")
    browser.get("/tokens/" + token[5:13])
    browser.check("the details")
    Select(browser.one("#grace")).select_by_value("0")
    browser.follow(browser.one("#renew button"))
    renewed = made(browser)
    same("renewing shows a new token", [browser.title, renewed != token],
         ["Your new token", True])
    has("the old one has ended", browser.one(".old").text, "has ended")
    browser.get("/tokens")
    for act, state in (("disable", "paused"), ("enable", "live")):
        card = browser.cards()[renewed[5:13]]
        browser.follow(card.find_element(
            By.CSS_SELECTOR, "form[action*=%s] button" % act))
        same("%s: done" % act, browser.cards()[renewed[5:13]]
             .get_attribute("data-state"), state)
    return renewed


def wrong_forms(browser):
    browser.get("/tokens/new")
    browser.one("summary").click()
    browser.one("#networks").send_keys("my.host")
    browser.follow(browser.one("button.main"))
    alert = browser.one("[role=alert]")
    same("an error has its id", alert.get_attribute("data-error"),
         "network-invalid")
    same("its field is said to be wrong, and is open to be seen",
         [browser.one("#networks").get_attribute("aria-invalid"),
          browser.one("#networks").is_displayed()], ["true", True])
    browser.check("a form with an error")


def times_live(browser):
    browser.get("/tokens")
    same("times are in the words of the page, kept by the script",
         browser.driver.execute_script(
             "const time = document.querySelector('time[data-live]');"
             "return new Intl.RelativeTimeFormat('en', {numeric: 'always'})"
             ".format(Math.round((Date.parse(time.dateTime) - Date.now())"
             " / 864e5), 'day') === time.textContent"), True)
    browser.get("/tokens?lang=de")
    has("in German, too", browser.text, "in 30 Tagen", "Ihre Zugriffstoken")
    browser.check("the list in German")


def others(browser):
    for server, path, what in (
            ("ann", "/tokens/admin?policy=1", "the list of all users"),
            ("ann", "/tokens/admin", "the same without the policy"),
            ("known", "/tokens", "the page of a disabled user"),
            ("nobody", "/tokens", "the page for nobody"),
            ("alice", "/tokens/revoke-all", "the question about all"),
            ("alice", "/tokens/link/abcdefgh-x", "the page of a link"),
            ("alice", "/tokens/nothing", "a page that is not there")):
        browser.server = os.environ["PAGE_" + server]
        browser.get(path)
        browser.check(what)
    browser.server = os.environ["PAGE_old"]
    browser.get("/tokens/new")
    browser.one("#name").send_keys("kept")
    browser.follow(browser.one("button.main"))
    same("an old login is asked to sign in again, with what was typed",
         [browser.one("[role=alert]").get_attribute("data-error"),
          browser.one("#name").get_property("value")], ["login-again", "kept"])
    browser.check("that form")
    browser.server = os.environ["PAGE_alice"]


def motion(browser):
    browser.get("/tokens")
    got = []
    for motion_ in ("reduce", "no-preference"):
        browser.scheme("light", motion_)
        got.append(browser.driver.execute_script(
            "return getComputedStyle(document.querySelector('.button'))"
            ".transitionDuration"))
    same("nothing moves for those who want that", got[0], "0s")
    report(got[1] != "0s", "and a little for others", got)


def without_scripts(browser):
    browser.command("Emulation.setScriptExecutionDisabled", value=True)
    token = create(browser, "no scripts")
    report(not browser.one("#copy").is_displayed(),
           "without scripts there is no button to copy")
    browser.get("/tokens")
    browser.follow(browser.cards()[token[5:13]].find_element(
        By.CSS_SELECTOR, "a.revoke"))
    same("and revoking asks on a page", browser.title, "Revoke this token?")
    browser.follow(browser.one("button.danger"))
    has("and is done", browser.one("[role=status]").text,
        "The token is revoked.")
    browser.command("Emulation.setScriptExecutionDisabled", value=False)


def searching(browser):
    for i in range(11):
        create(browser, "job %d" % i)
    browser.get("/tokens")
    browser.check("a list with a search")
    browser.one("#q").send_keys("JOB 7")
    before = browser.one("html")
    browser.one("#q").send_keys(Keys.ENTER)
    browser.wait(lambda: browser.is_gone(before) and browser.all("#q"))
    same("the search finds", [card.text.split("\n")[0] for card in
                              browser.cards().values()], ["job 7"])


def main():
    browser = Browser()
    try:
        an_empty_list(browser)
        token = a_token_by_keyboard(browser)
        copying(browser, token)
        the_list(browser, token)
        names(browser)
        revoking(browser, token)
        a_life(browser)
        wrong_forms(browser)
        times_live(browser)
        motion(browser)
        others(browser)
        without_scripts(browser)
        searching(browser)
        report(browser.visited > 30, "many pages were visited",
               browser.visited)
        same("no script failed, no file was missing, nothing broke the "
             "Content-Security-Policy", browser.complaints, [])
    finally:
        browser.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
