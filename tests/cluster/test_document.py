"""doc/CLUSTER.md: what it has its reader type, on three hosts and the database's, is
typed as it stands there, line by line."""
import contextlib
import os
import re
import shlex
import subprocess
import sys

import postgres
from apart import Apart, nodes
from cluster import CLUSTERD, Cluster, wait_for
from daemon import ACCEPT, ADMIN, DENY, Skip, World, main

SOURCE = os.environ["JP_SOURCE"]
TEXT = os.path.join(SOURCE, "doc/CLUSTER.md")
COMMANDS_MAX = 10  # as it says of itself
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)

# In front of what a reader finds on the PATH.
STAND_INS = {
    "pat-admin": """
case "$1 $2" in
"cluster init" | "cluster join" | "cluster leave") set -- "$@" --clusterd {clusterd} ;;
esac
exec {admin} --config {config} "$@"
""",
    "scp": """
case $1 in
*:/etc/jira-pat/*) exec cp "{hosts}/${{1%%:*}}/key/${{1##*/}}" "$2" ;;
esac
exit 1
""",
}


def section(title):
    """What stands below that heading, up to the next of its kind."""
    with open(TEXT) as file:
        parts = re.split(r"^## (.*)\n", file.read(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))[title]


def blocks(title):
    """(KIND, WORDS, LINES) of each block, in their order."""
    return [(kind, words.split(), body.splitlines())
            for kind, words, body in FENCE.findall(section(title))]


class Typed(Apart):
    """A host on which a reader types."""

    def write(self, more=""):
        World.write(self, more)  # the page has the rest

    def lay_out(self):
        super().lay_out()
        self.bin = os.path.join(self.root, "bin")
        os.mkdir(self.bin)
        os.mkdir(os.path.join(self.root, "home"))

    def configure(self, lines):
        """The end of jira-pat.conf, in which the database is that of the test."""
        files = self.whole.pair.client_files(self.link_user) if (
            self.whole.folder is None) else self.whole.folder
        self.whole.folder = files
        real = self.whole.pair.conninfo(files, ports=self.relay.ports,
                                        host="localhost")
        asked = {word.split("=", 1)[0] for line in lines
                 if line.startswith("conninfo = ")
                 for word in line.split()[2:]}
        lacks = asked - {word.split("=", 1)[0] for word in real.split()}
        assert asked and not lacks, (asked, lacks)
        self.alone()
        with open(self.config, "a") as file:
            file.write("\n".join(line for line in lines
                                 if not line.startswith("conninfo")) + "\n")
            file.write(postgres.as_settings(real) + "\n")
            # The name of the machine is the same for all of them.
            file.write("node = %s\nlease = %ds\nuser = %s\n" % (
                self.name, self.whole.lease, self.link_user))
        for name, body in STAND_INS.items():
            with open(os.path.join(self.bin, name), "w") as file:
                file.write("#!/bin/sh" + body.format(
                    clusterd=CLUSTERD, admin=ADMIN, config=self.config,
                    hosts=self.whole.names))
            os.chmod(file.name, 0o755)

    def systemctl(self, verb, *units):
        """Only what the page asks of it."""
        assert (verb, units[:2]) in (
            ("stop", ("patd.socket", "patd")),
            ("enable", ("--now", "pat-clusterd"))), (verb, units)
        if verb == "stop":
            if self.patd is not None:
                self.stop()
            if "pat-clusterd" in units:
                self.end_link()
        else:
            self.start()

    def type(self, line):
        words = shlex.split(line)
        if words[0] == "systemctl":
            self.systemctl(*words[1:])
            return ""
        line = line.replace("/root/", self.root + "/home/")
        done = subprocess.run(
            ["sh", "-eu", "-c", line], capture_output=True, text=True,
            timeout=120, stdin=subprocess.DEVNULL,
            env=dict(os.environ, PATH=self.bin + ":" + os.environ["PATH"]))
        assert done.returncode == 0, (line, done.stdout, done.stderr,
                                      self.story())
        return done.stdout


def type_for_database(whole, line):
    """createuser and createdb, as the superuser."""
    words = shlex.split(line)
    assert words[:3] == ["sudo", "-u", "postgres"], line
    pair = whole.pair
    done = subprocess.run(
        [os.path.join(postgres.programs(), words[3]), *words[4:]], text=True,
        input=2 * (pair.password + "\n"), capture_output=True, cwd="/",
        start_new_session=True,  # without a terminal it reads our line
        env=dict(os.environ, PGHOST=pair.sockets, PGPORT=str(pair.primary.port),
                 PGUSER=pair.who.pw_name), **postgres.dropped(pair.who))
    assert done.returncode == 0, (line, done.stderr)


@contextlib.contextmanager
def reader():
    """A database without the role, and three hosts as the packages leave them."""
    if not os.access(CLUSTERD, os.X_OK):
        raise Skip("pat-clusterd is not built")
    try:
        whole = Cluster(hosts=0, tls=True, auth="scram-sha-256")
    except postgres.Missing as missing:
        raise Skip(str(missing)) from None
    try:
        whole.folder, whole.names = None, whole.pair.path("names")
        os.mkdir(whole.names)
        with whole.pair.owner("postgres") as session:
            session.rows("DROP DATABASE " + postgres.DATABASE)
            session.rows("DROP ROLE " + postgres.ROLE)
        for number in range(3):
            host = Typed(whole, number)
            whole.hosts.append(host)
            os.symlink(host.root, os.path.join(whole.names, host.name))
        yield whole
        whole.check_logs()
    finally:
        whole.close()


def type_all(whole, title):
    """All blocks of a section; the outputs, by (host, line)."""
    said = {}
    hosts = {host.name: host for host in whole.hosts}
    for kind, words, lines in blocks(title):
        if kind == "ini":
            for host in whole.hosts:
                host.configure(lines)
        for name in words:
            for line in lines:
                if name == "db1":
                    type_for_database(whole, line)
                else:
                    said[name, line] = hosts[name].type(line)
    return said


def case_set_it_up():
    """its commands make a cluster of three hosts, and one leaves it again"""
    with reader() as whole:
        one, two, three = whole.hosts
        before = one.token("alice")
        said = type_all(whole, "Set it up")
        token = said["proxy1", next(
            line for host, line in said if line.startswith("pat-admin create"))]
        assert "jane.doe" in said["proxy2", "pat-admin list jane.doe"], said
        whole.texts.append(token.strip())
        for host in whole.hosts:
            for user, text in (("alice", before), ("jane.doe", token.strip())):
                wait_for(lambda h=host, u=user, t=text: h.verdict(u, t) == ACCEPT,
                         host.story)
        status = said["proxy3", "pat-admin cluster status"]
        assert all(name in status for name in nodes(whole)), status
        three.admin("revoke", before.split("_")[1])
        assert [host.verdict("alice", before) for host in whole.hosts] == [DENY] * 3
        type_all(whole, "Leaving")
        assert nodes(whole) == ["proxy1", "proxy2"]
        three.alone()
        World.start(three)
        assert three.verdict("jane.doe", token.strip()) == ACCEPT


def case_few():
    """setting up takes ten different commands at most"""
    lines = {line for kind, words, lines in blocks("Set it up") if kind == "sh"
             for line in lines}
    setup = [line for line in lines
             if not re.match(r"pat-admin (create|list)", line)]
    assert 0 < len(setup) <= COMMANDS_MAX, setup


def case_said():
    """what it says that commands and logs say is what they say"""
    texts = [re.sub(r"\s+", " ", text) for text in re.findall(
        r'"([a-z][^"|]{12,})"', section("What each failure looks like"))]
    parts = [part.strip() for text in texts if not text.startswith("temporary")
             for part in re.split(r"\d+ s|proxy\d", text)]
    sources = []
    for folder in ("common", "patd", "pat_clusterd", "tools"):
        for path, _, names in os.walk(os.path.join(SOURCE, folder)):
            for name in names:
                if name.endswith((".c", ".h", ".sql")):
                    with open(os.path.join(path, name)) as file:
                        sources.append(re.sub(r'"(\s|\\\n)*"', "", file.read()))
    # One or many hosts: the sentence is put together.
    known = " ".join(sources) + " which does not answer: it accepts nothing until " \
        "it is back "
    lacks = [part for part in parts if part and part.strip(", ") not in known]
    assert len(parts) > 8 and not lacks, (len(parts), lacks)


CASES = [case_few, case_said, case_set_it_up]

if __name__ == "__main__":
    main([case for case in CASES
          if len(sys.argv) < 2 or case.__name__[5:] in sys.argv[1:]])
