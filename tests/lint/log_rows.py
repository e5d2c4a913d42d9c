#!/usr/bin/env python3
"""Compares the texts of logs in the source with the rows of TROUBLESHOOTING.md.

    log_rows.py missing    texts of the source that no row shows
    log_rows.py stale      rows that no text of the source makes
    log_rows.py unknown    lines of a log, from standard input, without a row

A text is a run of string literals in a call that logs, or that says why
something failed. In it, each conversion of printf stands for anything; a row of
the document shows the text in backticks, with WORDS IN CAPITALS, or digits, where
it varies.
"""
import os
import re
import sys

SOURCE = os.environ["JP_SOURCE"]
DOCUMENT = os.path.join(SOURCE, "doc", "TROUBLESHOOTING.md")

# What logs, or hands on what will be logged.
CALLS = (
    "jp_log",
    "pam_syslog",
    "utils->log",
    "report",
    "refuse",
    "log_refused",
    "jp_daemon_fail",
    "jp_why",
    "bdb_fail_why",
)
# A line that the log itself makes.
OWN_CALLS = {"common/sys/log.c": "snprintf"}
# Constants that functions return as the reason of a line.
RETURNS = ("patd/accept.c", "pat_httpd/proxy_conns.c")
# Where programs that log find their reasons.
DIRECTORIES = (
    "patd",
    "pat_httpd",
    "pat_clusterd",
    "pam_jira_pat",
    "sasl_plugin",
    "common/sys",
    "common/config",
    "common/audit",
    "common/decide",
    "common/cluster",
    "common/store",
)
FILES = ("common/record/key_file.c", "common/admin/list.c", "common/admin/undo.c")
# What only pat-admin says.
LEFT_OUT = ("common/audit/verify.c", "common/decide/announce.c")
FIXED = 4  # letters that a piece has to have to be looked for

LITERAL = r'"(?:[^"\\]|\\.)*"'
RUN = re.compile(r"(?:%s|\bPRI\w+\b|\b[A-Z][A-Z0-9_]*_NAME\b|\s)+" % LITERAL)
CONVERSION = re.compile(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j)?[a-zA-Z]|%$")


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", " ", file.read(), flags=re.S)
    return text.replace("`", '\\"')  # no row can show a backtick


def files():
    for directory in DIRECTORIES:
        for at, _, names in os.walk(os.path.join(SOURCE, directory)):
            for name in sorted(names):
                path = os.path.relpath(os.path.join(at, name), SOURCE)
                if name.endswith(".c") and path not in LEFT_OUT:
                    yield path
    yield from FILES


def arguments(text, start):
    """What stands between the parenthesis before start and the one that ends it."""
    depth, at = 1, start
    while depth > 0:
        literal = re.compile(LITERAL).match(text, at)
        if literal:
            at = literal.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start : at - 1]


def pieces_of(run):
    """The literals of a run as what is fixed between what varies."""
    joined = ""
    for part in re.finditer(LITERAL + r"|\w+", run):
        word = part.group()
        if word.startswith('"'):
            joined += re.sub(r"\\(.)", lambda m: {"n": ""}.get(m[1], m[1]), word[1:-1])
        elif not joined.endswith("%"):
            joined += "%s"
        else:
            joined += "d"
    return [p for p in (q.strip() for q in CONVERSION.split(joined)) if p]


def letters(text):
    return len(re.sub("[^A-Za-z]", "", text))


def texts():
    """(path, pieces) of each text."""
    for path in files():
        source = read(path)
        calls = CALLS + tuple(filter(None, [OWN_CALLS.get(path)]))
        call = re.compile(r"(?<!\w)(?:%s)\(" % "|".join(map(re.escape, calls)))
        found = [arguments(source, m.end()) for m in call.finditer(source)]
        if path in RETURNS:
            found += re.findall(r"return ([^;{}]*);", source)
        for inside in found:
            for run in RUN.findall(inside):
                pieces = pieces_of(run) if '"' in run else []
                if letters("".join(pieces)) >= FIXED:
                    yield path, pieces


def pattern(pieces):
    return re.compile(".*?".join(re.escape(p) for p in pieces))


def names():
    """What logs say in one word or phrase: reasons, and errors."""
    verdict = read("common/wire/verdict.h").replace("\\\n", " ")
    for verdict_name, name in re.findall(
        r'X\([A-Z_]+,\s*\d+,\s*JP_([A-Z]+),\s*[A-Z_]+,\s*"([a-z-]+)"', verdict
    ):
        if name != "none" and verdict_name in ("DENY", "UNAVAILABLE"):
            yield "common/wire/verdict.h", ["reason=" + name]
    errors = read("common/base/err.h").replace("\\\n", " ")
    for name, text in re.findall(r'X\(([A-Z_]+),\s*\d+,\s*"[a-z-]+",\s*"([^"]*)"\)', errors):
        if name != "OK":
            yield "common/base/err.h", ["(%s)" % text]


def rows():
    """The texts in the first column of the tables that begin with "| log line |"."""
    inside = False
    with open(DOCUMENT, encoding="utf-8") as file:
        for line in file:
            if line.startswith("| log line"):
                inside = True
            elif not line.startswith("|"):
                inside = False
            elif inside and not line.startswith("|---"):
                yield from re.findall(r"`([^`]+)`", re.split(r"(?<!\\)\|", line)[1])


def varies(row):
    """A row as an expression that finds the lines it is about."""
    parts = re.split(r"\b(?:[A-Z][A-Z_]+)\b|\d+|\.\.\.|…", row)
    return re.compile(".*?".join(re.escape(p) for p in parts))


def covered(row, known):
    """Whether half of what is fixed in a row stands in texts of the source."""
    marks = bytearray(len(row))
    for pieces in known:
        found = pattern(pieces).search(row)
        if not found:
            continue
        at = found.start()
        for piece in pieces:
            at = row.index(piece, at)
            marks[at : at + len(piece)] = b"\1" * len(piece)
            at += len(piece)
    fixed = [i for i, c in enumerate(row) if c.islower()]
    return sum(marks[i] for i in fixed) >= len(fixed) / 2


def missing():
    shown = list(rows())
    said = set()
    for path, pieces in list(texts()) + list(names()):
        look = pattern(pieces)
        line = "%s: %s" % (path, " ... ".join(pieces))
        if not any(look.search(row) for row in shown) and line not in said:
            said.add(line)
            print(line)


def stale():
    known = [pieces for _, pieces in list(texts()) + list(names())]
    for row in rows():
        if not covered(row, known):
            print(row)


def unknown():
    shown = [varies(row) for row in rows()]
    for line in sys.stdin:
        if line.strip() and not any(look.search(line) for look in shown):
            print(line.rstrip())


if __name__ == "__main__":
    {"missing": missing, "stale": stale, "unknown": unknown}[sys.argv[1]]()
