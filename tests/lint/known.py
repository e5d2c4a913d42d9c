"""Each test that doc/RELIABILITY.md names, as `path` `case`, is there: the case is
a function of that file or a sentence in it, and the file is one of a test that
`make check` runs. Each id that the new tests speak of is in the list.
"""
import os
import re
import sys

SOURCE = os.environ["JP_SOURCE"]
NAMED = re.compile(r"`(tests/[^`]+)`((?:,? `[^`]+`)+)")
CVE = re.compile(r"CVE-\d{4}-\d+")


def read(path):
    with open(os.path.join(SOURCE, path)) as file:
        return file.read()


def section(document, title):
    _, _, rest = document.partition("\n## %s\n" % title)
    return rest.partition("\n## ")[0]


def run_by_check():
    """All that a Makefile.inc of the tests names."""
    words = set()
    for folder, _, names in os.walk(os.path.join(SOURCE, "tests")):
        if "Makefile.inc" in names:
            with open(os.path.join(folder, "Makefile.inc")) as file:
                words.update(file.read().split())
    return words


def holds(path, case):
    """Whether the file has that function, or that sentence across lines."""
    content = read(path)
    if re.fullmatch(r"\w+", case):
        return re.search(r"^(?:def )?%s\(" % case, content, re.M) is not None
    flat = re.sub(r"[\s\"]+", " ", content)
    return re.sub(r"\s+", " ", case) in flat


def wrong_with(path, cases, known):
    if not os.path.exists(os.path.join(SOURCE, path)):
        yield "%s is not there" % path
        return
    stem, suffix = os.path.splitext(path)
    if path not in known and stem not in known and stem + ".sh" not in known:
        yield "%s is run by no test" % path
    for case in cases:
        if not holds(path, case):
            yield "%s has no case %s" % (path, case)


def spoken_of():
    """The ids that tests and sources name."""
    ids = {}
    for top in ("tests/known", "tests/pam", "tests/unit", "tests/sasl"):
        for name in sorted(os.listdir(os.path.join(SOURCE, top))):
            if name.endswith((".c", ".py", ".sh")):
                path = os.path.join(top, name)
                for found in CVE.findall(read(path)):
                    ids.setdefault(found, path)
    return ids


def main():
    text = section(read("doc/RELIABILITY.md"), "Known failures of others")
    known, wrong, count = run_by_check(), [], 0
    for path, cases in NAMED.findall(text):
        cases = re.findall(r"`([^`]+)`", cases)
        count += len(cases)
        wrong += wrong_with(path, cases, known)
    for found, path in spoken_of().items():
        if found not in text:
            wrong.append("%s, of %s, is not in the list" % (found, path))
    print("%d" % count)
    print("\n".join(wrong))
    sys.exit(bool(wrong))


main()
