"""What a conninfo brings along, to a real PostgreSQL: certificates of the client and of
the server, lists of revoked ones, words that libpq does not know. Each fault is said in
one line with what to do: by a host, as often as it changes, and by who sets one up at
the first try; and all goes on by itself when it is right again."""
import contextlib
import json
import os
import shutil
import tempfile

import daemon
import libpq
import link
import postgres
from clusterd import (CLUSTER, ERRORS, NONE, TAG, is_well, kick, lines, pauses,
                      run_alone, setup, told, using, welcome)
from link import REFUSED, Place, mac_of

USER = "daemon" if link.ROOT else daemon.pwd.getpwuid(os.geteuid()).pw_name
AUTHORITY = """[ca]
default_ca = own
[own]
database = {folder}/index
private_key = {folder}/ca.key
certificate = {folder}/ca.crt
default_md = sha256
default_crl_days = 2
"""


class Site:
    """A database that asks for certificates, the files of a client, and its conninfo."""

    def __init__(self, pair):
        self.pair = pair
        self.folder = pair.client_files(USER)
        self.conninfo = pair.conninfo(folder=self.folder, host="localhost")

    def file(self, name):
        return os.path.join(self.folder, name)

    def put(self, name, path, mode=0o600, owner=USER):
        """A copy, in the place of that file and under its name."""
        made = self.file(name + ".new")
        shutil.copyfile(path, made)
        os.chmod(made, mode)
        if link.ROOT:
            shutil.chown(made, owner, owner)
        os.rename(made, self.file(name))

    def put_back(self):
        for name in ("client.crt", "client.key"):
            self.put(name, self.pair.path("tls", name))

    def sign(self, name, days="2", subject="/CN=" + postgres.ROLE, authority="ca"):
        """A certificate for the key of the client; its path."""
        made = self.pair.path("tls", name + ".crt")
        key, request = self.pair.path("tls/client.key"), made + ".csr"
        self.pair.run("openssl", "req", "-new", "-key", key, "-subj", subject, "-out",
                      request)
        self.pair.run("openssl", "x509", "-req", "-in", request, "-days", days, "-CA",
                      self.pair.path("tls", authority + ".crt"), "-CAkey",
                      self.pair.path("tls", authority + ".key"), "-set_serial",
                      str(int.from_bytes(os.urandom(7), "big")), "-out", made)
        return made

    def authority(self, *arguments):
        """As who revokes."""
        self.pair.write("tls/authority", AUTHORITY.format(folder=self.pair.path("tls")))
        self.pair.run("openssl", "ca", "-batch", "-config",
                      self.pair.path("tls/authority"), *arguments)

    def list_of_revoked(self, name):
        made = self.pair.path("tls", name)
        self.authority("-gencrl", "-out", made)
        return made

    def reload(self):
        """The server reads what was changed."""
        before = self.pair.primary.read_log().count("reloading")
        self.pair.primary.reload()
        daemon.wait_for(
            lambda: self.pair.primary.read_log().count("reloading") > before)


@contextlib.contextmanager
def site(auth="cert"):
    """With a cluster of "a"."""
    with postgres.Pair(standby=False, tls=True, auth=auth) as pair, using(pair):
        made = Site(pair)
        with setup(conninfo=made.conninfo) as host:
            assert host.ask("CREATE", cluster=CLUSTER, tag=TAG,
                            mac=mac_of(0)).err == ERRORS["ok"]
            assert host.ask("JOIN", node="a", tag=TAG).err == ERRORS["ok"]
        yield made


def hopeless(conninfo, *words):
    """Who sets up a host hears it at the first try."""
    with Place(conninfo, start=False) as place:
        host = place.setup()
        host.hello("a", NONE)
        state = host.wait("STATE", lambda state: state.state == REFUSED)
        assert all(word in state.text for word in words), state
        host.close()
        place.process.wait(link.LIMIT)


def said_by_both(host, conninfo, *words):
    """By a host that runs, which is cut off, and by one that is set up."""
    before = len(pauses(host.place))
    kick()
    told(host, *words)
    hopeless(conninfo, *words)
    daemon.wait_for(lambda: len(pauses(host.place)) > before + 1)
    assert len(lines(host.place, *words)) == 1, host.place.said()


# --- of the client ---------------------------------------------------------------


def wrong_client(made):
    """What may be wrong with its files: how it comes to be, what is said."""
    openssl = made.pair.openssl
    openssl("stranger", "/CN=another CA", "basicConstraints=critical,CA:true", "-x509")
    yield (lambda: made.put("client.crt", made.sign("old", days="-1")),
           "certificate expired", "the certificate in sslcert has expired")
    yield (lambda: made.put("client.crt", made.sign("alien", authority="stranger")),
           "unknown ca", "ssl_ca_file of this server has no CA that has signed sslcert")
    yield (lambda: made.put("client.crt", made.sign("other", subject="/CN=jane")),
           "certificate authentication failed", "the CN of the certificate in sslcert",
           "pg_ident.conf")
    yield (lambda: made.put("client.key", made.pair.path("tls/client.key"), mode=0o644),
           "others may read it", "chmod 600")
    yield (lambda: made.put("client.key", made.pair.path("tls/server.key")),
           "key values mismatch", "sslkey in conninfo has to name the key of sslcert")
    yield (lambda: made.put("client.key", made.pair.path("tls/client.crt")),
           "could not load private key file", "a key in PEM, without a password")
    yield (lambda: made.put("client.crt", made.pair.path("tls/client.key")),
           "could not read certificate file", "sslcert in conninfo")
    for key, name, advice in (("sslkey=", "client.key", "chown " + USER),
                              ("sslcert=", "client.crt", "chmod a+r")):
        yield lambda: os.remove(made.file(name)), key, "there is no such file"
        if link.ROOT:
            yield (lambda: made.put(name, made.pair.path("tls", name), owner="root"),
                   key, "cannot read it", advice)


def clients():
    """a certificate of the client that has expired, is of another CA or for another
    role, and a key that is not its own, or that libpq does not take"""
    with site() as made, welcome("a", conninfo=made.conninfo,
                                      arguments=("--debug",)) as host:
        for spoil, *words in wrong_client(made):
            spoil()
            said_by_both(host, made.conninfo, *words)
            made.put_back()
            is_well(host)
            host.kept.clear()


# --- of the server -----------------------------------------------------------------


def revoked():
    """a certificate of the server that is revoked is refused, and so is the server while
    the list of revoked ones is gone, which libpq would leave out"""
    with site() as made:
        made.pair.write("tls/index", "")
        made.put("list", made.list_of_revoked("empty"))
        conninfo = made.conninfo + " sslcrl=" + made.file("list")
        with welcome("a", conninfo=conninfo, arguments=("--debug",)) as host:
            os.remove(made.file("list"))
            said_by_both(host, conninfo, "sslcrl=", "there is no such file")
            made.put("list", made.pair.path("tls/empty"))
            is_well(host)
            made.authority("-revoke", made.pair.path("tls/server.crt"))
            made.put("list", made.list_of_revoked("full"))
            said_by_both(host, conninfo, "certificate verify failed",
                         "revoked by sslcrl")
            made.put("list", made.pair.path("tls/empty"))
            is_well(host)


def binding():
    """channel_binding=require: taken with scram-sha-256, and refused with what to do
    where the server asks for nothing that binds"""
    with site(auth="scram-sha-256") as made:
        conninfo = made.conninfo + " channel_binding=require"
        with welcome("a", conninfo=conninfo, arguments=("--debug",)) as host:
            hba = made.pair.path("hba")
            with open(hba) as file:
                before = file.read()
            made.pair.write("hba", before.replace("scram-sha-256", "trust"))
            made.reload()
            said_by_both(host, conninfo, "channel binding required",
                         "scram-sha-256 in pg_hba.conf")
            made.pair.write("hba", before)
            made.reload()
            is_well(host)


# --- words ---------------------------------------------------------------------------


def is_known(key):
    """To this libpq."""
    try:
        libpq.Session("host=/nowhere " + key).close()
    except libpq.Refused as refused:
        return "invalid connection option" not in str(refused)
    return True


def unknown():
    """a key that libpq does not know is refused by its name, before anything is tried"""
    for key in ("sslnegotiation=direct", "sslcertmode=require", "require_auth=none",
                "load_balance_hosts=random", "gssdelegation=1", "ssl_crl=x",
                "sslroot_cert=x"):
        if is_known(key):
            continue
        name = key.partition("=")[0]
        with Place("host=/nowhere dbname=x " + key, start=False) as place:
            done = place.run("--check-config")
            assert done.returncode == 3 and done.stderr.count("\n") == 1, done
            assert 'invalid connection option "%s"' % name in done.stderr, done


def hidden():
    """a file where the unit of pat-clusterd hides it, also one that a link leads to:
    --check-config and pat-admin check say so, and take it"""
    with tempfile.TemporaryDirectory(dir="/tmp") as below, \
            tempfile.TemporaryDirectory(dir="/dev/shm") as beside:
        for folder in (below, beside):
            os.chmod(folder, 0o755)
        path, way = os.path.join(below, "ca.pem"), os.path.join(beside, "ca.pem")
        shutil.copyfile("/etc/passwd", path)
        os.chmod(path, 0o644)
        os.symlink(path, way)
        for named, says in ((path, True), (way, True), ("/etc/passwd", False)):
            conninfo = "host=/nowhere sslrootcert=" + named
            words = ("sslrootcert=" + named, "what lies below /tmp/", "move it")
            with Place(conninfo, start=False) as place:
                done = place.run("--check-config")
                assert done.returncode == 0 and "good" in done.stdout, done
                assert all(word in done.stderr for word in words) == says, done
            found = checked(conninfo)
            assert any(level == "warn" and all(word in text for word in words)
                       for level, text in found) == says, found
            assert says or not any("sslrootcert" in text for _, text in found), found


def checked(conninfo):
    """What pat-admin check finds."""
    world = daemon.World()
    try:
        world.write("\n[cluster]\nconninfo = %s\nuser = %s\n" % (conninfo, USER))
        done = world.admin("check", "--json", check=False)
        return [(one["level"], one["text"]) for one in json.loads(done.stdout)]
    finally:
        world.remove()


CASES = [clients, revoked, binding, unknown, hidden]

if __name__ == "__main__":
    run_alone(CASES)
