"""Logs in to an XMPP server over STARTTLS by SASL PLAIN, and binds a resource.

    xmpp_login.py PORT DOMAIN USER <TOKEN

Prints "in", or the condition of the failure. RFC 6120."""
import base64
import re
import socket
import ssl
import sys


class Stream:
    def __init__(self, port, domain):
        self.sock = socket.create_connection(("127.0.0.1", port), 60)
        self.domain = domain

    def wait(self, pattern):
        """What the server sends, up to the pattern; a new stream each time."""
        data = b""
        while not re.search(pattern, data):
            more = self.sock.recv(4096)
            if not more:
                return "hangs up"
            data += more
        return data.decode()

    def open(self):
        self.sock.sendall((
            "<?xml version='1.0'?><stream:stream version='1.0' xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams' "
            f"to='{self.domain}'>").encode())
        return self.wait(b"</stream:features>|</stream:stream>")

    def ask(self, stanza, pattern):
        self.sock.sendall(stanza.encode())
        return self.wait(pattern)

    def start_tls(self):
        self.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", b"<proceed")
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname=self.domain)


def main():
    port, domain, user = sys.argv[1:]
    token = sys.stdin.read().strip()
    stream = Stream(int(port), domain)
    offered = stream.open()
    if "PLAIN" in offered:
        return "offers PLAIN in the clear"
    stream.start_tls()
    offered = stream.open()
    if "<mechanism>PLAIN<" not in offered:
        return "offers no PLAIN"
    message = base64.b64encode(f"\0{user}\0{token}".encode()).decode()
    answer = stream.ask(
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
        f"{message}</auth>", b"<success|</failure>")
    if "<success" not in answer:
        return re.search("<failure[^>]*><([a-z-]+)", answer)[1]
    stream.open()
    answer = stream.ask(
        "<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
        b"</iq>")
    jid = re.search("<jid>([^/]*)/", answer)[1]
    return "in" if jid == f"{user}@{domain}" else jid


print(main())
