"""Logs in to a VNC server by SASL PLAIN, over TLS (VeNCrypt) or in the clear.

    vnc_login.py HOST:PORT|PATH USER tls|plain <TOKEN

Prints "in", or what the server says. RFC 6143; the community's "rfbproto" for the
security types 19 (VeNCrypt: subtypes) and 20 (SASL)."""
import socket
import ssl
import struct
import sys

SASL, VENCRYPT, X509_SASL = 20, 19, 263


def read(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_u32(sock):
    return struct.unpack(">I", read(sock, 4))[0]


def connect(where):
    if where.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(where)
    else:
        host, port = where.rsplit(":", 1)
        sock = socket.create_connection((host, int(port)))
    sock.settimeout(60)
    return sock


def over_tls(sock):
    """VeNCrypt 0.2 with a certificate that is not checked here."""
    assert read(sock, 2) == b"\0\2"
    sock.sendall(b"\0\2")
    assert read(sock, 1) == b"\0"
    count = read(sock, 1)[0]
    assert X509_SASL in struct.unpack(f">{count}I", read(sock, 4 * count))
    sock.sendall(struct.pack(">I", X509_SASL))
    assert read(sock, 1) == b"\1"
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def sasl_plain(sock, user, token):
    """The server's answer to PLAIN: whether it says yes."""
    mechanisms = read(sock, read_u32(sock)).decode()
    if "PLAIN" not in mechanisms.split(","):
        return f"no PLAIN, but {mechanisms!r}"
    message = f"\0{user}\0{token}\0".encode()
    sock.sendall(struct.pack(">I", 5) + b"PLAIN")
    sock.sendall(struct.pack(">I", len(message)) + message)
    read(sock, read_u32(sock))
    read(sock, 1)  # whether it is over
    if read_u32(sock) == 0:  # SecurityResult
        return "in"
    return read(sock, read_u32(sock)).decode().strip()


def main():
    where, user, how = sys.argv[1:]
    token = sys.stdin.read().strip()
    sock = connect(where)
    assert read(sock, 12) == b"RFB 003.008\n"
    sock.sendall(b"RFB 003.008\n")
    count = read(sock, 1)[0]
    if count == 0:
        return read(sock, read_u32(sock)).decode()
    wanted = VENCRYPT if how == "tls" else SASL
    types = list(read(sock, count))
    if wanted not in types:
        return f"types {types}"
    sock.sendall(bytes([wanted]))
    if how == "tls":
        sock = over_tls(sock)
    return sasl_plain(sock, user, token)


try:
    print(main())
except (EOFError, ConnectionError):
    print("hangs up")
