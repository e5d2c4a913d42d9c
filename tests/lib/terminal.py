#!/usr/bin/env python3
"""What happens on a terminal, as text and as a picture.

    terminal.py play <TRANSCRIPT     runs its commands, and prints it as it went
    terminal.py svg <TRANSCRIPT      draws it
    terminal.py text <PICTURE        the transcript that such a picture shows
    terminal.py lacks FILE <PLAYED   the lines of a transcript that did not come,
                                     one after the other, when it was played

In a transcript, lines that begin with "# " (root) or "$ " are commands, and others
are what they printed. "..." in those stands for any text that was left out. The
token in the transcript stands for the one that the command in front of it made;
a password that is asked for is the last one.
"""
import html
import os
import pty
import re
import select
import sys

TOKEN = re.compile(r"jpat_([0-9A-Za-z]{8})_[0-9A-Za-z]{36}")
COLUMNS, LINES = 120, 50
CHARACTER, HEIGHT, MARGIN, SIZE = 7.9, 19, 14, 13
COLOURS = {"#": "#f2a65a", "$": "#8fd18a", "": "#d7dce2"}
BACKGROUND = "#1d232b"
BLANKS = "&#160;&#160;"  # which are not folded into one
SECONDS = 30  # that a command may be silent


def blocks(lines):
    """(command, the lines that it printed) of each command."""
    found = []
    for line in lines:
        if re.match(r"[#$] ", line):
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
    return found


def run(command, password):
    """What a command prints on a terminal, where it may ask for the password."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="dumb", COLUMNS=str(COLUMNS), LINES=str(LINES))
        os.execv("/bin/sh", ["sh", "-c", command])
    output, told = b"", False
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux: nobody has the other side any more
            break
        if not data:
            break
        output += data
        if not told and re.search(rb"(?i)(password|token)[^\n]*: ?$", output):
            os.write(terminal, password.encode() + b"\n")
            told = True
    os.close(terminal)
    os.waitpid(child, 0)
    text = re.sub(r"\x1b\[[0-9;]*m|\r", "", output.decode("utf-8", "replace"))
    return text.splitlines()


def same(shown, line):
    """Whether a line is the one that the transcript shows, but for what it omits."""
    parts = [re.escape(part) for part in shown.split("...")]
    return shown == line or re.fullmatch(".*".join(parts), line) is not None


class Names:
    """Those of the tokens of a transcript, and of the tokens that there are."""

    def __init__(self):
        self.pairs = []

    def learn(self, shown, printed):
        for line, real in zip(shown, printed):
            told, made = TOKEN.search(line), TOKEN.search(real)
            if told and made:
                self.pairs.append((told.group(), made.group()))
                self.pairs.append((told.group(1), made.group(1)))

    def real(self, text):
        for told, made in self.pairs:
            text = text.replace(told, made)
        return text

    def told(self, text):
        for told, made in self.pairs:
            text = text.replace(made, told)
        return text

    def last(self):
        made = [made for _, made in self.pairs if TOKEN.fullmatch(made)]
        return made[-1] if made else ""


def play(lines):
    names = Names()
    for command, shown in blocks(lines):
        printed = run(names.real(command[2:]), names.last())
        names.learn(shown, printed)
        yield command
        printed = [names.told(line).rstrip() for line in printed]
        for at, line in enumerate(printed):
            old = shown[at] if at < len(shown) else ""
            yield old if "..." in old and same(old, line) else line


def svg(lines):
    width = MARGIN * 2 + CHARACTER * max(len(line) for line in lines)
    height = MARGIN * 2 + HEIGHT * len(lines)
    yield (
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
        'viewBox="0 0 %d %d" role="img">' % (width, height, width, height)
    )
    yield "<title>A terminal: a token is made, used, refused and revoked</title>"
    yield '<rect width="100%%" height="100%%" rx="8" fill="%s"/>' % BACKGROUND
    yield (
        '<g font-family="ui-monospace,Menlo,Consolas,\'DejaVu Sans Mono\',monospace" '
        'font-size="%d">' % SIZE
    )
    for at, line in enumerate(lines):
        kind = line[0] if re.match(r"[#$] ", line) else ""
        yield '<text x="%d" y="%d" fill="%s" textLength="%.1f">%s</text>' % (
            MARGIN,
            MARGIN + HEIGHT * (at + 1) - 5,
            COLOURS[kind],
            CHARACTER * len(line),
            html.escape(line).replace("  ", BLANKS),
        )
    yield "</g>"
    yield "</svg>"


def timeless(line):
    """Times, and the blanks that they take in a table, differ each time."""
    line = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", line)
    line = re.sub(r"\b\d+[smhdw] ago|\bin \d+[smhdw]\b|\bjust now\b", "TIME", line)
    return re.sub(r"\s+", " ", line).strip()


def lacks(lines):
    played = iter([timeless(line) for line in lines])
    with open(sys.argv[2], encoding="utf-8") as file:
        for line in file.read().splitlines():
            if not any(same(timeless(line), one) for one in played):
                yield line


def text(lines):
    for line in lines:
        found = re.match(r"<text [^>]*>(.*)</text>", line)
        if found:
            yield html.unescape(found.group(1).replace(BLANKS, "  "))


if __name__ == "__main__":
    made = {"play": play, "svg": svg, "text": text, "lacks": lacks}[sys.argv[1]]
    for out in made(sys.stdin.read().splitlines()):
        print(out)
