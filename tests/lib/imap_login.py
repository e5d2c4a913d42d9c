#!/usr/bin/env python3
"""Logs into an IMAP server.

Usage: imap_login.py PORT LOGIN|PLAIN USER <TOKEN

Prints "in", or what the server says, without the name of the command.
"""
import imaplib
import sys


def main():
    port, how, user = sys.argv[1:]
    token = sys.stdin.read()
    imap = imaplib.IMAP4("127.0.0.1", int(port), timeout=50)
    try:
        if how == "LOGIN":
            imap.login(user, token)
        else:
            imap.authenticate("PLAIN", lambda _: b"\0" + user.encode() +
                              b"\0" + token.encode())
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
