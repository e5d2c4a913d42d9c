"""Waits that come back before their time, as where a library that shifts the clock
is preloaded: no thread spins, and nothing is given up because of them.
"""
import os
import signal

import test_fcgi
from daemon import (ACCEPT, AUDIT, BUILD, DENY, SANITIZED, Skip, main, wait_for,
                    world)
from httpd import place

SHIM = os.path.join(BUILD, "tests/faults/.libs/early_waits.so")
QUESTIONS = 300


def shim():
    if SANITIZED or not os.path.exists(SHIM):
        raise Skip("preloads a library of its own")
    return dict(os.environ, LD_PRELOAD=SHIM)


def judge(log):
    assert "early-waits: many" in log
    assert "early-waits: it spins" not in log
    assert "hangs" not in log, log[-400:]


def patd(more, questions):
    with world(more, start=False) as place:
        token = place.token()
        place.start(env=shim())
        for _ in range(questions):
            assert place.ask("alice", token) == (ACCEPT, "alice")
        place.admin("revoke", token[5:13])
        assert place.ask("alice", token) == (DENY, "")
        wait_for(lambda: "early-waits: many" in place.read_log())
        assert place.stop() == 0
        judge(place.read_log())


def in_patd():
    """patd does not spin where waits come back early, idle or asked, and ends well"""
    patd("", 0)
    patd(AUDIT, QUESTIONS)


def in_time():
    """nor are lines of a required trail given up, nor acts"""
    patd(AUDIT + "audit_required = yes\n", QUESTIONS)


def in_httpd():
    """nor does pat-httpd, with a connection that is slow"""
    with place(start=False) as site:
        token = site.token()
        site.start()
        site.start_httpd(env=shim())
        with test_fcgi.Fcgi(site.fcgi) as web, test_fcgi.Fcgi(site.fcgi) as slow:
            slow.send(test_fcgi.request(token)[:20])
            for _ in range(QUESTIONS):
                assert web.ask(token).status == 200
            wait_for(lambda: "early-waits: many" in site.read_httpd_log())
            assert slow.closed()
        assert site.stop_httpd(signal.SIGTERM) == 0
        judge(site.read_httpd_log())


main([in_patd, in_time, in_httpd])
