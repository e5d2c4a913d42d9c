"""Asks one host about tokens, again and again, and writes down what it says.

    asker.py SOCKET TOKENS CURSOR OUT

TOKENS has lines "USER TAB TEXT"; CURSOR a number of 8 bytes, which its starter moves:
the tokens about that one are asked about, until it is negative. OUT gets records,
RECORD: when a question began and was answered, the number of its line, the verdict.
Where the host does not answer, it connects again.
"""
import mmap
import os
import random
import struct
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "daemon"))

from daemon import Client, question  # noqa: E402

RECORD = struct.Struct("<qqiB")
CURSOR = struct.Struct("<q")
BEFORE, AHEAD = 12, 24  # the cursor, of what is asked about
NONE = 255   # no answer
PAUSE = 0.002  # between questions: hosts have other work, too


def connected(path):
    try:
        return Client(path, 60)
    except OSError:
        time.sleep(0.05)
        return None


def ask(client, data):
    """The verdict; NONE: the connection is of no use any more."""
    try:
        client.send(data)
        return client.answer()[0]
    except (OSError, AssertionError):
        return NONE


def main():
    path, tokens, cursor, out = sys.argv[1:]
    os.nice(5)
    with open(tokens) as file:
        questions = [question(*line.rstrip("\n").split("\t")) for line in file]
    with open(cursor, "rb") as file:
        moved = mmap.mmap(file.fileno(), CURSOR.size, prot=mmap.PROT_READ)
    client = None
    with open(out, "wb") as file:
        while (at := CURSOR.unpack(moved)[0]) >= 0:
            client = client or connected(path)
            if client is None:
                continue
            first = max(0, min(at, len(questions)) - BEFORE)
            number = random.randrange(first, min(len(questions),
                                                 first + BEFORE + AHEAD))
            begin = time.monotonic_ns()
            said = ask(client, questions[number])
            file.write(RECORD.pack(begin, time.monotonic_ns(), number, said))
            if said == NONE:
                client.close()
                client = None
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
