"""What patd depends on hangs, the disk of the audit trail or the name service:
whoever does not need it notices nothing, and the others get an answer in time.
"""
import json
import os
import pwd
import threading
import time

from daemon import (ACCEPT, DENY, UNAVAILABLE, Client, main, question,
                    wait_for, world)
from hanging import NSS, hanging, services

# A client gives up after three seconds, patd after two. The rest is for a
# machine that is busy with other things.
ANSWER_S = 2.9
ACT_S = 10
QUEUE = 1024  # lines of the trail


def timed(call, *args, **options):
    begin = time.monotonic()
    return call(*args, **options), time.monotonic() - begin


def ask(place, user, token, service="jira"):
    with Client(place.verify) as client:
        client.send(question(user, token, 7, service))
        return client.answer(7)[0]


def in_time(place, user, token, service="jira"):
    verdict, took = timed(ask, place, user, token, service)
    assert took < ANSWER_S, took
    return verdict


def trail(place):
    with open(place.hang.trail) as file:
        return [json.loads(line) for line in file]


def told(place, **wanted):
    return [line for line in trail(place)
            if all(line.get(key) == value for key, value in wanted.items())]


def is_whole(place):
    done = place.admin("audit", "verify", check=False)
    assert done.returncode == 0 and done.stdout.startswith("whole: "), done


def fill_trail(place, token):
    """More lines than may wait for the disk."""
    with Client(place.verify) as client:
        for _ in range(QUEUE + 600):
            assert client.ask("alice", token)[0] == ACCEPT


TRAIL = "audit_file = {root}/audit/trail\naudit_accept = all\n"


def disk_not_required():
    """the disk of a trail that is not required hangs: tokens are verified,
    made and revoked all the same, and what was lost is counted"""
    with hanging(TRAIL) as place:
        token, other = place.token(), place.token()
        wait_for(lambda: len(told(place, event="create")) == 2)
        place.hang.begin("disk")
        fill_trail(place, token)
        done, took = timed(place.admin, "revoke", token[5:13])
        assert took < ACT_S and done.returncode == 0
        assert in_time(place, "alice", token) == DENY
        assert in_time(place, "alice", other) == ACCEPT
        done, took = timed(place.admin, "user", "disable", "alice")
        assert took < ACT_S
        assert in_time(place, "alice", other) == DENY
        assert timed(place.token, "bob")[1] < ACT_S
        place.logged("takes no lines in time: lines are lost")
        lost = place.stats()["audit"]["lost"]
        assert lost > 200, lost  # but for a batch on its way
        place.hang.end("disk")
        place.logged("lines are written again")
        wait_for(lambda: told(place, event="lost"))
        is_whole(place)
        place.admin("user", "enable", "alice")
        wait_for(lambda: told(place, event="set-user", detail="active"))


def disk_required():
    """the disk of a required trail hangs: no answer and no act without its
    line, and each is refused in time"""
    with hanging(TRAIL + "audit_required = yes\n") as place:
        token = place.token()
        assert ask(place, "alice", token) == ACCEPT
        place.hang.begin("disk")
        assert in_time(place, "alice", token) == UNAVAILABLE
        assert in_time(place, "bob", token) == UNAVAILABLE
        acts = [("revoke", token[5:13]), ("user", "disable", "alice"),
                ("create", "alice"), ("rotate", token[5:13])]
        answers = []
        threads = [threading.Thread(target=lambda act=act: answers.append(
            timed(place.admin, *act, check=False))) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for done, took in answers:
            assert done.returncode == 3 and took < ACT_S, (done, took)
            assert "nothing was done" in done.stderr, done.stderr
            assert "takes no lines in time" in done.stderr, done.stderr
            assert not done.stdout, done.stdout
        assert place.stats()["requests"]["unavailable"]["audit"] == 2
        place.hang.end("disk")
        wait_for(lambda: ask(place, "alice", token) == ACCEPT)
        # What was refused was not done, whatever line came of it later.
        assert place.stats()["store"]["records"] == 1
        wait_for(lambda: told(place, event="revoke", reason="timeout"))
        place.admin("revoke", token[5:13])
        assert ask(place, "alice", token) == DENY
        is_whole(place)


def first_is_first():
    """with a required trail an acceptance counts as told when it is written,
    not when it was tried"""
    with hanging("audit_file = {root}/audit/trail\naudit_accept = first\n"
                 "audit_required = yes\n") as place:
        token = place.token()
        place.hang.begin("disk")
        for _ in range(2):
            assert in_time(place, "alice", token) == UNAVAILABLE
        place.hang.end("disk")
        wait_for(lambda: ask(place, "alice", token) == ACCEPT)
        assert told(place, event="accept")


def stop_with_hanging_disk():
    """the disk of the trail hangs: patd stops all the same, in time"""
    for required in ("no", "yes"):
        with hanging(TRAIL + "audit_required = %s\n" % required) as place:
            token = place.token()
            place.hang.begin("disk")
            in_time(place, "alice", token)
            status, took = timed(place.stop)
            assert status == 0 and took < 20, (status, took)
            assert "hangs" in place.read_log()


def me():
    return pwd.getpwuid(os.geteuid()).pw_name


def names_hang():
    """the name service hangs: services without groups answer, cold tokens,
    too, and those with groups say in time that they cannot"""
    with hanging(NSS, services()) as place:
        user = me()
        token = place.token(user)
        assert ask(place, user, token, "grouped") == ACCEPT
        place.hang.begin("names")
        assert in_time(place, user, token, "grouped") == ACCEPT  # remembered
        # More users than there are threads for look-ups, all at once.
        tokens = [(name, place.token(name))
                  for name in ["bin", "sys", "games", "man", "lp", "mail",
                               "news", "uucp", "proxy", "backup"]]
        verdicts = []
        threads = [threading.Thread(target=lambda pair=pair: verdicts.append(
            in_time(place, *pair, "grouped"))) for pair in tokens]
        for thread in threads:
            thread.start()
        cold = [(name, place.token(name)) for name in ("alice", "bob", "eve")]
        for name, text in cold:
            assert in_time(place, name, text) == ACCEPT
        for thread in threads:
            thread.join()
        assert verdicts == 10 * [UNAVAILABLE], verdicts
        place.logged("reason=group-source")
        assert place.stats()["queue"]["late"] == 10
        place.hang.end("names")
        for name, text in tokens[:3]:
            wait_for(lambda pair=(name, text): ask(
                place, *pair, "grouped") == DENY)
        wait_for(lambda: place.stats()["queue"]["lookups"] == 0)
        assert ask(place, user, token, "grouped") == ACCEPT


def one_name_hangs():
    """look-ups of one name hang: those of others go on, however often that one
    is asked about"""
    with hanging(NSS, services()) as place:
        user = me()
        slow, token = place.token("games"), place.token(user)
        place.hang.begin("names.games")
        clients = [Client(place.verify) for _ in range(20)]
        for client in clients:
            client.send(question("games", slow, 7, "grouped"))
        assert in_time(place, user, token, "grouped") == ACCEPT
        for client in clients:
            assert client.answer(7)[0] == UNAVAILABLE
            # The connection is good for another question, and its answer.
            client.send(question("alice", "hunter2", 8))
            assert client.answer(8)[0] == DENY
            client.close()
        place.hang.end("names.games")
        wait_for(lambda: ask(place, "games", slow, "grouped") == DENY)


def stop_with_hanging_names():
    """the name service hangs: patd stops all the same, in time"""
    with hanging(NSS, services()) as place:
        token = place.token("games")
        place.hang.begin("names")
        assert in_time(place, "games", token, "grouped") == UNAVAILABLE
        status, took = timed(place.stop)
        assert status == 0 and took < 20, (status, took)
    with world() as place:  # and nothing of the store was harmed
        assert place.token()


main([disk_not_required, disk_required, first_is_first,
      stop_with_hanging_disk, names_hang, one_name_hangs,
      stop_with_hanging_names])
