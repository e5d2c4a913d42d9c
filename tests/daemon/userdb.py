"""A daemon of the name service, on the socket of its argument: it knows the user
"remote", who is in the group "far" (systemd's io.systemd.UserDatabase, over
varlink). It ends with the process that started it.
"""
import json
import os
import select
import socket
import sys
import threading

PATH = sys.argv[1]
SERVICE = os.path.basename(PATH)
USER = {"userName": "remote", "uid": 70001, "gid": 70001, "homeDirectory": "/",
        "shell": "/bin/sh", "disposition": "regular", "service": SERVICE}
GROUPS = [{"groupName": name, "gid": gid, "service": SERVICE}
          for name, gid in (("remote", 70001), ("far", 70002))]
MEMBERS = {"userName": "remote", "groupName": "far"}


def fits(known, asked, *keys):
    return all(asked.get(key, known[key]) == known[key] for key in keys)


def found(method, asked):
    """The parameters of the answer; None: there is nobody."""
    if method.endswith(".GetUserRecord"):
        return fits(USER, asked, "userName", "uid") and {"record": USER}
    if method.endswith(".GetMemberships"):
        return fits(MEMBERS, asked, "userName", "groupName") and MEMBERS
    for group in GROUPS:
        if fits(group, asked, "groupName", "gid"):
            return {"record": group}
    return None


def answer(message):
    said = found(message["method"], message.get("parameters", {}))
    if said:
        return {"parameters": said}
    return {"error": "io.systemd.UserDatabase.NoRecordFound", "parameters": {}}


def serve(conn):
    data = b""
    while piece := conn.recv(65536):
        *messages, data = (data + piece).split(b"\0")
        for message in messages:
            conn.sendall(json.dumps(answer(json.loads(message))).encode() + b"\0")


def end_with(parent):
    """No signal of it would do: it has become a user who may not send one."""
    select.select([parent], [], [])
    os._exit(0)


threading.Thread(target=end_with, args=(os.pidfd_open(os.getppid()),),
                 daemon=True).start()
listener = socket.socket(socket.AF_UNIX)
listener.bind(PATH)
os.chmod(PATH, 0o666)
listener.listen(16)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],),
                     daemon=True).start()
