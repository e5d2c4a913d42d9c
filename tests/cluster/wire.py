"""A network namespace with one line to ours, whose end here can be put down: then the
kernel loses what is sent, and tells nobody. Needs root, and is to be used in a namespace
of one's own (`unshare --net`), with which all of it goes.
"""
import os
import subprocess
import time


def run(*argv):
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, "%s: %s" % (" ".join(argv), done.stderr)


class Wire:
    """`near`: our address; `enter`: what starts a program at the other end."""

    def __init__(self, number):
        self.name = "jp%d" % number
        self.near, far = ("10.213.%d.%d" % (number, n) for n in (1, 2))
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        pid = str(self.holder.pid)
        self.enter = ["nsenter", "--net", "--target", pid, "--"]
        while self.space(pid) == self.space("self"):  # until unshare has done it
            time.sleep(0.01)
        run("ip", "link", "add", self.name, "type", "veth", "peer", "name",
            "eth0", "netns", pid)
        run("ip", "address", "add", self.near + "/30", "dev", self.name)
        run(*self.enter, "ip", "address", "add", far + "/30", "dev", "eth0")
        run(*self.enter, "ip", "link", "set", "eth0", "up")
        self.put("up")

    @staticmethod
    def space(pid):
        return os.readlink("/proc/%s/ns/net" % pid)

    def put(self, state):
        """`down` or `up`."""
        run("ip", "link", "set", self.name, state)

    def close(self):
        self.holder.kill()
        self.holder.wait()
