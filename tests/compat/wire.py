"""Messages of the sockets as they were recorded: a question goes out byte by
byte, and the answer has to be the same bytes. `wire.py RUN_DIR FILE` prints TAP;
`wire.py RUN_DIR FILE record` writes the answers of this build into FILE.

A line of FILE: SOCKET NAME QUESTION ANSWER..., messages in hexadecimal, one after
the other. An answer has its length in front, and not the zeros at its end.
"""
import os
import socket
import sys

KINDS = {"verify.sock": socket.SOCK_SEQPACKET,
         "admin.sock": socket.SOCK_SEQPACKET,
         "mux": socket.SOCK_STREAM}
MESSAGE_MAX = 1 << 16
LIMIT = 60  # seconds; only a hang reaches it


def answers(run_dir, name, question):
    with socket.socket(socket.AF_UNIX, KINDS[name]) as sock:
        sock.settimeout(LIMIT)
        sock.connect(os.path.join(run_dir, name))
        sock.sendall(question)
        sock.shutdown(socket.SHUT_WR)
        found = []
        while True:
            message = sock.recv(MESSAGE_MAX)
            if not message:
                return found
            found.append("%d:%s" % (len(message),
                                    message.rstrip(b"\0").hex()))


def main(run_dir, path, record=False):
    with open(path) as file:
        lines = [line.split() for line in file if line[0] != "#"]
        file.seek(0)
        comments = [line for line in file if line[0] == "#"]
    said = []
    bad = 0
    for number, (name, what, question, *wanted) in enumerate(lines, 1):
        got = answers(run_dir, name, bytes.fromhex(question))
        said.append([name, what, question, *got])
        good = got == wanted
        bad += not good
        if not record:
            print("%sok %d - %s: %s" % ("" if good else "not ", number, name,
                                        what.replace("-", " ")))
            if not good:
                print("# got: %s\n# wanted: %s" % (got, wanted))
    if record:
        with open(path, "w") as file:
            file.writelines(comments)
            file.writelines(" ".join(line) + "\n" for line in said)
        return 0
    print("1..%d" % len(lines))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], len(sys.argv) > 3))
