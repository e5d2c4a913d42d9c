"""Tries the rules of examples/secret-scanning (argument 1) on tokens.

Standard input has real ones, one on a line. Prints a line for each result: "ok"
or "not ok", a sentence, and what is wrong, with tabs between them.
"""

import base64
import random
import re
import sys
import tomllib
import zlib

import yaml

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ROUNDS = 2000
# RE2 and Hyperscan know none of these.
FOREIGN = re.compile(r"\(\?(?:[=!>#]|<[=!])|\\[1-9]|[+*?}]\+|\\[Zk]")
AROUND = [("", ""), ('"', '"'), ("=", "\n"), ("https://u:", "@host/"), ("\t", " ")]

random.seed(20261125)


def digits(count):
    return "".join(random.choice(DIGITS) for _ in range(count))


def token():
    text = f"jpat_{digits(8)}_{digits(30)}"
    crc, tail = zlib.crc32(text.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        tail = DIGITS[digit] + tail
    return text + tail


def encoded(text):
    user = "".join(random.choice("abcz09.@ü-") for _ in range(random.randint(1, 60)))
    return base64.b64encode(f"{user}:{text}".encode()).decode()


def broken(text):
    """Each way in which tools break and indent lines."""
    for width in 76, 64, 60, 11:
        for indent in "", "    ", "\t":
            for end in "\n", "\r\n":
                lines = [text[i : i + width] for i in range(0, len(text), width)]
                yield (end + indent).join(lines)


def holds(found, token):
    """Whether base64 that may begin anywhere holds the token."""
    letters = "".join((found or "").split()).rstrip("=")
    for start in range(4):
        part = letters[start:]
        part = part[: -1] if len(part) % 4 == 1 else part
        part += "=" * (-len(part) % 4)
        if token.encode() in base64.b64decode(part, altchars=b"-_"):
            return True
        if token.encode() in base64.b64decode(part):
            return True
    return False


def lost(rules, pairs):
    """In how many texts the token that they hold is not found."""
    count = 0
    for text, inside in pairs:
        for before, after in AROUND + [("  token: |\n    ", "\n  next: value\n")]:
            count += not holds(search(rules, before + text + after), inside)
    return f"{count} missed" if count else None


def near_misses():
    for _ in range(ROUNDS):
        text = token()
        yield text[:-1]
        yield text + "0"
        yield text.replace("jpat_", "jpat-")
        yield text[:13] + "-" + text[14:]
        yield text[:12] + text[13:]
        yield text[:13] + "A" + text[13:]
        yield text[:30] + "_" + text[31:]
        yield text[:30] + " " + text[31:]
        yield text.replace("jpat_", "JPAT_")
        yield text[5:]
        yield base64.b64encode(text[5:].encode()).decode()
        yield base64.b64encode(("user:" + text[:-3]).encode()).decode()
        yield digits(200)
        yield "%064x" % random.getrandbits(256)


def gitleaks(folder):
    with open(folder + "/gitleaks.toml", "rb") as file:
        for rule in tomllib.load(file)["rules"]:
            yield re.compile(rule["regex"]), rule["keywords"]


def trufflehog(folder):
    with open(folder + "/trufflehog.yaml", encoding="ascii") as file:
        for rule in yaml.safe_load(file)["detectors"]:
            for regex in rule["regex"].values():
                yield re.compile(regex), rule["keywords"]


def github(folder):
    """With what GitHub puts around the secret by itself."""
    with open(folder + "/README.md", encoding="utf-8") as file:
        rows = re.findall(r"^\| jira-pat.* \| `(.*)` \|$", file.read(), re.M)
    for row in rows:
        yield re.compile(
            r"(?:\A|[^0-9A-Za-z])(" + row.replace("\\|", "|") + r")(?:$|[^0-9A-Za-z])"
        ), []


def search(rules, text):
    """What the first rule that matches calls the secret."""
    for regex, keywords in rules:
        match = regex.search(text)
        lower = text.lower()
        if match and (not keywords or any(k.lower() in lower for k in keywords)):
            return match.group(1)
    return None


def tell(sentence, wrong):
    print("not ok" if wrong else "ok", sentence, wrong or "", sep="\t")


def missed(rules, texts):
    """How many of `texts` are not found whole, wherever they stand."""
    count = 0
    for text in texts:
        for before, after in AROUND:
            got = search(rules, before + text + after) or ""
            count += got.rstrip("=") != text.rstrip("=")
    return f"{count} missed" if count else None


def try_rules(name, rules, real):
    made = [token() for _ in range(ROUNDS)]
    tell(f"{name}: two rules", None if len(rules) == 2 else str(len(rules)))
    tell(
        f"{name}: no construct that RE2 lacks",
        next((r.pattern for r, _ in rules if FOREIGN.search(r.pattern)), None),
    )
    tell(f"{name}: the real ones are found", missed(rules, real))
    tell(f"{name}: {ROUNDS} random tokens are found", missed(rules, made))
    tell(
        f"{name}: base64 of user:token is found",
        missed(rules, [encoded(text) for text in made]),
    )
    tell(
        f"{name}: base64 of the token alone is found",
        lost(
            rules,
            (
                (base64.b64encode((text + end).encode()).decode(), text)
                for text in made[:200]
                for end in ("", "\n", "\r\n")
            ),
        ),
    )
    tell(
        f"{name}: base64 across lines is found",
        lost(
            rules,
            ((part, text) for text in made[:60] for part in broken(encoded(text))),
        ),
    )
    false = sum(search(rules, text) is not None for text in near_misses())
    tell(f"{name}: what is nearly a token is not", f"{false} found" if false else None)


def main():
    folder, real = sys.argv[1], sys.stdin.read().split()
    for source in (gitleaks, trufflehog, github):
        try_rules(source.__name__, list(source(folder)), real)


main()
