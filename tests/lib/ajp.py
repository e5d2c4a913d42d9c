#!/usr/bin/env python3
"""One GET over AJP 1.3, as mod_proxy_ajp sends it, or as somebody else would.

Usage: ajp.py PORT PATH [FROM] [NAME=VALUE...]

FROM is the address that the connection comes from. NAME is remote_user, secret,
or that of a header. Prints the status and the body.
"""

import socket
import struct
import sys

ATTRIBUTES = {"remote_user": 3, "secret": 12}
SEND_BODY_CHUNK, SEND_HEADERS, END_RESPONSE = 3, 4, 5


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data + b"\0"


def request(path, pairs):
    headers = [pair for pair in pairs if pair[0] not in ATTRIBUTES]
    packet = b"\x02\x02" + text("HTTP/1.1") + text(path)
    packet += text("192.0.2.1") + text("client.example.org")
    packet += text("localhost") + struct.pack(">HBH", 80, 0, len(headers))
    for name, value in headers:
        packet += text(name) + text(value)
    for name, value in pairs:
        if name in ATTRIBUTES:
            packet += bytes([ATTRIBUTES[name]]) + text(value)
    packet += b"\xff"
    return b"\x12\x34" + struct.pack(">H", len(packet)) + packet


def exactly(peer, length):
    data = b""
    while len(data) < length:
        part = peer.recv(length - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def answer(peer):
    status, body = "none", b""
    try:
        while True:
            length = struct.unpack(">2xH", exactly(peer, 4))[0]
            packet = exactly(peer, length)
            if packet[0] == SEND_HEADERS:
                status = str(struct.unpack(">H", packet[1:3])[0])
            elif packet[0] == SEND_BODY_CHUNK:
                body += packet[3:3 + struct.unpack(">H", packet[1:3])[0]]
            elif packet[0] == END_RESPONSE:
                break
    except (EOFError, ConnectionResetError):
        pass
    return status, body.decode()


def main():
    port, path, *rest = sys.argv[1:]
    source = rest.pop(0) if rest and "=" not in rest[0] else "127.0.0.1"
    pairs = [item.split("=", 1) for item in rest]
    with socket.create_connection(
            ("127.0.0.1", int(port)), 30, (source, 0)) as peer:
        peer.sendall(request(path, pairs))
        status, body = answer(peer)
    print(status, body.strip() if status == "200" else "")


if __name__ == "__main__":
    main()
