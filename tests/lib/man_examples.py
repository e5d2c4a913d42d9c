#!/usr/bin/env python3
"""What a manual page shows to be copied.

    man_examples.py commands PAGE HEAD...   the commands below these headings, each
                                            on one line, without "# " or "$ "
    man_examples.py blocks PAGE HEAD N      the N-th block of literal lines there
"""
import re
import sys


def literals(page, heads):
    """The lines of each display below these headings; .Dl has one."""
    inside, block = False, None
    with open(page, encoding="utf-8") as file:
        for line in file.read().splitlines():
            if re.match(r"\.S[hs] ", line):
                inside = line[4:] in heads
            elif inside and line.startswith(".Dl "):
                yield [line[4:]]
            elif inside and line.startswith(".Bd -literal"):
                block = []
            elif line == ".Ed" and block is not None:
                yield block
                block = None
            elif block is not None:
                block.append(line)


def plain(line):
    return line.replace("\\e", "\\").replace("\\&", "")


def commands(page, *heads):
    for block in literals(page, heads):
        text = re.sub(r"\\\n *", "", "\n".join(map(plain, block)))
        text = re.sub(r"\|\n +", "| ", text)
        for line in text.splitlines():
            if re.match(r"[#$] ", line):
                print(line[2:])


def blocks(page, head, number):
    print("\n".join(map(plain, list(literals(page, [head]))[int(number) - 1])))


if __name__ == "__main__":
    {"commands": commands, "blocks": blocks}[sys.argv[1]](*sys.argv[2:])
