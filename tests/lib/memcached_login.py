#!/usr/bin/env python3
"""Logs into memcached in its binary protocol, with SASL PLAIN.

Usage: memcached_login.py PORT USER <TOKEN

Prints "in" if the login succeeds and a value can then be stored and read; else
the status of the answer, as hexadecimal.
"""
import socket
import struct
import sys

SASL_AUTH, SET, GET = 0x21, 0x01, 0x00


def ask(sock, opcode, key, value=b"", extras=b""):
    body = extras + key + value
    sock.sendall(struct.pack(">BBHBBHIIQ", 0x80, opcode, len(key),
                             len(extras), 0, 0, len(body), 0, 0) + body)
    head = read(sock, 24)
    magic, _, _, skipped, _, status, length, _, _ = struct.unpack(
        ">BBHBBHIIQ", head)
    assert magic == 0x81
    return status, read(sock, length)[skipped:]


def read(sock, length):
    data = b""
    while len(data) < length:
        part = sock.recv(length - len(data))
        if not part:
            sys.exit("closed")
        data += part
    return data


def main():
    token = sys.stdin.buffer.read()
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30) as sock:
        status, _ = ask(sock, SASL_AUTH, b"PLAIN",
                        b"\0" + sys.argv[2].encode() + b"\0" + token)
        stored, _ = ask(sock, SET, b"key", b"value", bytes(8))
        if status == 0 and stored == 0:
            _, value = ask(sock, GET, b"key")
            print("in" if value == b"value" else value)
        elif status == stored:
            print(hex(status))
        else:
            print("login %x, store %x" % (status, stored))


main()
