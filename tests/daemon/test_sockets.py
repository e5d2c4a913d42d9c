"""The files of the sockets go while patd runs: it binds them again, or says
that it cannot, and pat-admin says what is the matter.
"""
import os
import shutil
import socket
import stat
import subprocess

from activation import listening
from daemon import ACCEPT, ROOT, Client, Skip, as_user, main, wait_for, world

MORE = "mux = {root}/run/mux\nverify = {root}/more/other.sock\n"


def modes(paths):
    return [stat.S_IMODE(os.stat(path).st_mode) for path in paths]


def is_there(path):
    return os.path.exists(path)


def answers(path, token):
    try:
        with Client(path, 20) as client:
            return client.ask("alice", token)[0] == ACCEPT
    except OSError:
        return False


def removed():
    """each socket whose file is removed is bound again, with its mode, and
    those that came before are answered"""
    with world(start=False) as place:
        place.write(MORE)
        place.admin("init")
        place.start()
        token = place.token()
        paths = [place.verify, place.admin_sock, place.root + "/run/mux",
                 place.root + "/more/other.sock"]
        before = modes(paths)
        with Client(place.verify) as old:
            assert old.ask("alice", token)[0] == ACCEPT
            for path in paths:
                os.unlink(path)
            for path in paths:
                place.logged("%s was gone: bound again" % path)
            assert modes(paths) == before, modes(paths)
            assert old.ask("alice", token)[0] == ACCEPT
        for path in (paths[0], paths[3]):
            assert answers(path, token)
        assert place.stats()["patd"] is True
        with socket.socket(socket.AF_UNIX) as mux:
            mux.connect(paths[2])
        # Again and again.
        for _ in range(3):
            os.unlink(place.verify)
            wait_for(lambda: answers(place.verify, token))
        assert place.stop() == 0
        assert not any(map(is_there, paths))


def folder_removed():
    """the whole folder is removed: it is made again, or it is said that it
    cannot be, and who runs"""
    with world() as place:
        token = place.token()
        run = place.root + "/run"
        shutil.rmtree(run)
        if ROOT:  # patd is another user by now
            place.logged("sockets: cannot make %s: " % run)
            pid = "patd runs (pid %d)" % place.patd.pid
            for command in (["list"], ["stats"]):
                done = place.admin(*command, check=False)
                assert done.returncode == 3, done
                assert pid in done.stderr and "admin.sock is gone" in \
                    done.stderr, done.stderr
            done = place.admin("check", check=False)
            assert done.returncode == 1 and pid in done.stdout, done.stdout
            assert "verify.sock is gone" in done.stdout, done.stdout
            assert "patd.socket too" in done.stdout, done.stdout
            os.mkdir(run, 0o755)
            shutil.chown(run, place.user)
        wait_for(lambda: answers(place.verify, token))
        wait_for(place.answers)
        assert place.stats()["patd"] is True
        log = place.read_log()
        assert log.count("cannot make") <= 2, log  # said once for a socket


def replaced():
    """a file of somebody else in the place of a socket is left alone, which is
    said once; when it goes the socket is bound again"""
    with world() as place:
        token = place.token()
        os.unlink(place.verify)
        with open(place.verify + ".new", "w") as file:
            file.write("precious")
        os.rename(place.verify + ".new", place.verify)

        def settled():
            """patd was first, or the file is there."""
            if stat.S_ISSOCK(os.stat(place.verify).st_mode):
                os.rename(place.verify, place.verify + ".old")
                with open(place.verify, "w") as file:
                    file.write("precious")
            return "verify.sock is another file now" in place.read_log()

        wait_for(settled)
        with open(place.verify) as file:
            assert file.read() == "precious"
        assert place.stats()["patd"] is True  # the other socket answers
        assert place.read_log().count("is another file now") == 1
        os.unlink(place.verify)
        wait_for(lambda: answers(place.verify, token))
        # A socket of somebody else, on which nobody listens, is his, too.
        other = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        other.bind(place.verify + ".theirs")
        inode = os.stat(place.verify + ".theirs").st_ino
        os.rename(place.verify + ".theirs", place.verify)
        wait_for(lambda: place.read_log().count("is another file now") == 2)
        assert os.stat(place.verify).st_ino == inode
        other.close()
        assert place.stop() == 0
        assert os.stat(place.verify).st_ino == inode, "it is not ours"


def passed():
    """a socket that the service manager made cannot be bound again: it is said
    what to do"""
    with world(start=False) as place:
        sock = listening(place.verify, socket.SOCK_SEQPACKET)
        place.launch([sock])
        wait_for(place.answers)
        os.unlink(place.verify)
        place.logged("%s is gone, and the service manager made it" %
                     place.verify)
        os.unlink(place.admin_sock)  # this one is ours
        place.logged("%s was gone: bound again" % place.admin_sock)
        assert not is_there(place.verify)
        assert place.stop() == 0
        sock.close()


def passed_for_chroots():
    """sockets that the service manager made elsewhere are asked like
    verify.sock, whatever their name: the configuration lists them, or they
    have the name of the one in run_dir, which is there all the same"""
    for passed_main in (False, True):
        with world(start=False) as place:
            jail = place.root + "/jail/verify.sock"
            listed = place.root + "/jail/listed.sock"
            place.write("verify = {root}/jail/listed.sock\n" +
                        ("" if passed_main else "verify = %s\n" % jail))
            token = place.token()
            paths = [listed, jail] + ([place.verify] if passed_main else [])
            socks = [listening(path, socket.SOCK_SEQPACKET) for path in paths]
            place.launch(socks)
            wait_for(place.answers)
            for path in (jail, listed, place.verify):
                assert answers(path, token), path
            assert place.stop() == 0
            for path in paths:
                assert is_there(path), path
            assert is_there(place.verify) == passed_main
            for sock in socks:
                sock.close()


def passed_wrong():
    """a passed socket that patd does not know, or a second one for the
    administration, is a reason not to start"""
    with world(start=False) as place:
        for names in (["other.sock"], ["a/admin.sock", "b/admin.sock"]):
            socks = [listening(os.path.join(place.root, name),
                               socket.SOCK_SEQPACKET) for name in names]
            place.launch(socks)
            assert place.patd.wait(60) == 3
            place.patd = None
            for sock in socks:
                sock.close()
        assert place.read_log().count("is not a listening Unix socket") == 2


def in_user_namespace():
    """in a user namespace of its own patd sees a peer who has no number there
    as 65534, and refuses him; who has one is answered"""
    inside = ["unshare", "--user", "--map-root-user"]
    if not ROOT or subprocess.run([*inside, "true"], check=False).returncode:
        raise Skip("no user namespaces here")
    with world(start=False) as place:
        place.user = "root"
        place.write()
        for folder, _, names in os.walk(place.root):
            for name in [".", *names]:
                os.chown(os.path.join(folder, name), 0, 0)
        token = place.token()
        with open(place.log, "a") as log:
            place.patd = subprocess.Popen(
                [*inside, place.patd_program, "--config", place.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(place.answers)
        assert answers(place.verify, token)
        assert as_user(
            "daemon", lambda: answers(place.verify, token)) == "False"
        place.logged("refused a connection from uid 65534: ")
        assert place.stop() == 0


main([removed, folder_removed, replaced, passed, passed_for_chroots,
      passed_wrong, in_user_namespace])
