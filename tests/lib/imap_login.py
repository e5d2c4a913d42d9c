#!/usr/bin/env python3
"""Logs into an IMAP server.

Usage: imap_login.py PORT LOGIN|PLAIN|OAUTHBEARER USER <TOKEN

Prints "in", or what the server says, without the name of the command.
"""
import imaplib
import sys


FORMS = {"PLAIN": "\0{}\0{}", "OAUTHBEARER": "n,a={},\1auth=Bearer {}\1\1"}


def main():
    port, how, user = sys.argv[1:]
    token = sys.stdin.read()
    imap = imaplib.IMAP4("127.0.0.1", int(port), timeout=50)
    try:
        if how == "LOGIN":
            imap.login(user, token)
        else:
            # After a no, OAUTHBEARER tells so and waits for one byte.
            words = [FORMS[how].format(user, token).encode(), b"\1"]
            imap.authenticate(how, lambda _: words.pop(0))
        status, _ = imap.namespace()
        print("in" if status == "OK" else status)
    except imaplib.IMAP4.error as error:
        text = str(error.args[0])
        if isinstance(error.args[0], bytes):
            text = error.args[0].decode()
        print(text.split(": ")[-1])
    finally:
        imap.shutdown()


main()
