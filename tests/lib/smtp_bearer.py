#!/usr/bin/env python3
"""Logs into an SMTP server with a bearer token.

Usage: smtp_bearer.py PORT OAUTHBEARER|XOAUTH2 USER <TOKEN

Prints "in" if the login succeeds and the server then relays a mail, else the
code of the last answer to AUTH. After a no the server tells so in JSON, and
waits for an answer (RFC 7628, section 3.2.3).
"""
import base64
import json
import smtplib
import sys

FORMS = {"OAUTHBEARER": "n,a={},\1auth=Bearer {}\1\1",
         "XOAUTH2": "user={}\1auth=Bearer {}\1\1"}


def main():
    port, mechanism, user = sys.argv[1:]
    first = FORMS[mechanism].format(user, sys.stdin.read())
    with smtplib.SMTP("127.0.0.1", int(port), timeout=50) as smtp:
        smtp.ehlo("client.example.org")
        assert mechanism in smtp.esmtp_features["auth"].split()
        code, text = smtp.docmd(
            "AUTH", mechanism + " " + base64.b64encode(first.encode()).decode())
        if code == 334:
            assert "status" in json.loads(base64.b64decode(text))
            code, _ = smtp.docmd(base64.b64encode(b"\1").decode())
        if code == 235:
            smtp.mail(user + "@example.org")
            code, _ = smtp.rcpt("friend@example.net")
        print("in" if code == 250 else code)


main()
