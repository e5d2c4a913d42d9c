"""Slot 11: tokens that leaked, looked for in files."""
import base64
import os
import random
import shutil
import subprocess
import time

from measure import Contender, Missing, Target, figures
from place import Failed, forged

NAME = "identify"
TITLE = "Searching files for tokens"
ABOUT = """\
`pat-admin identify` over files without a token, which are in the cache of the
system: what is measured is how fast text is ruled out. The log has lines of
syslog, of a web server, of Java and of JSON. Base64 is the log and random bytes in
lines of 76 letters. The last three are texts made to be slow: only the prefix of
tokens, only letters of base64 without a line, and texts whose checksum alone is
wrong. The eight files together have the size of the log. GNU grep searches the
log for `jpat_` only, and sees no coded form."""
BASE = "GNU grep, log"
LOG = "ours, log"
COLUMNS = [("rate", "MB/s", "%.0f"), ("cpu_us", "CPU µs/MB", "%.0f")]
PLOT = ("rate", "MB/s")
TARGETS = [
    Target("a log is searched at 10 times the rate of the build before the filter",
           "rate", LOG, ">=", 10, against="ours, log, other build"),
]
ROUNDS = 5
MB = 1000000
SIZE, QUICK_SIZE, FILES = 97, 16, 8  # MB
SAMPLE = 2 * MB  # is repeated


def log_line(draw):
    """One of some kinds; what is rare in logs is rare."""
    host = "192.0.2.%d" % draw.randrange(256)
    day = "Nov %2d %02d:%02d:%02d" % (
        draw.randrange(1, 31), draw.randrange(24), draw.randrange(60),
        draw.randrange(60))
    kinds = [
        "%s host sshd[%d]: pam_unix(sshd:auth): authentication failure; "
        "logname= uid=0 euid=0 tty=ssh ruser= rhost=%s  user=jane\n" % (
            day, draw.randrange(99999), host),
        '%s - jane [29/Nov/2026:01:02:03 +0000] "GET /rest/api/2/issue/ABC-%d'
        '?fields=summary,status&expand=changelog&startAt=%d HTTP/1.1" 200 %d '
        '"https://jira.example.org/browse/ABC-1?page=com.atlassian.jira%%3A'
        'comment" "Mozilla/5.0 (X11; Linux x86_64) Firefox/115.0"\n' % (
            host, draw.randrange(9999), draw.randrange(99),
            draw.randrange(99999)),
        '{"time":"2026-11-29T01:02:03.%06dZ","level":"info","trace":"%032x",'
        '"text":"line\\n\\tsaid \\"no\\""}\n' % (
            draw.randrange(10 ** 6), draw.getrandbits(128)),
        "\tat com.atlassian.jira.web.filters.AccessLogFilter.doFilter("
        "AccessLogFilter.java:%d)\n" % draw.randrange(999),
        "%s host kernel: audit: sha256=%064x res=1\n" % (
            day, draw.getrandbits(256)),
    ]
    return draw.choices(kinds, (7, 7, 3, 2, 1))[0]


def log_text():
    draw = random.Random(1)
    lines, size = [], 0
    while size < SAMPLE:
        lines.append(log_line(draw))
        size += len(lines[-1])
    return "".join(lines).encode()


def texts():
    """Samples, by the name of their row."""
    log = log_text()
    noise = random.Random(2).randbytes(SAMPLE)
    return {
        "log": log,
        "base64 of the log": base64.encodebytes(log),
        "base64 of random bytes": base64.encodebytes(noise),
        "UTF-16": log.decode().encode("utf-16-le"),
        "only prefixes": b"jpat_" * (SAMPLE // 5),
        "only base64 letters": base64.b64encode(noise).rstrip(b"="),
        "wrong checksums": b"".join(
            forged("00000000", "nobody")[:-6].encode() + b"0000zz\n"
            for _ in range(SAMPLE // 50)),
    }


def write(path, sample, size):
    with open(path, "wb") as file:
        whole, rest = divmod(size, len(sample))
        for _ in range(whole):
            file.write(sample)
        file.write(sample[:rest])
    return path


def searcher(argv, paths, count):
    """A turn: all of the files, of `count` MB together."""
    def turn(_):
        begin = time.monotonic_ns()
        with subprocess.Popen([*argv, *paths], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE) as child:
            words = child.stderr.read().decode()
            _, status, used = os.wait4(child.pid, 0)
            spent = time.monotonic_ns() - begin
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != 1 or words:  # nothing was found
            raise Failed("%s: %d %s" % (argv[0], child.returncode, words))
        return figures(count, spent, (used.ru_utime + used.ru_stime) * 1e9, 0)

    return turn


def contenders(place):
    count = place.operations or (QUICK_SIZE if place.quick else SIZE)
    store = place.store(start=False)
    ours = [os.path.join(place.build, "tools/pat-admin"), "--config",
            store.config, "identify"]
    found = []
    for name, sample in texts().items():
        path = write(place.path("text %s" % name), sample, count * MB)
        found.append(Contender("ours, " + name,
                               searcher(ours, [path], count), count))
    log = place.path("text log")
    parts = [write(place.path("part %d" % i), log_text(), count * MB // FILES)
             for i in range(FILES)]
    found.insert(1, Contender("ours, log in %d files" % FILES,
                              searcher(ours, parts, count), count))
    grep = shutil.which("grep")
    if not grep:
        return [Missing(BASE, "there is no grep here"), *found]
    return [Contender(BASE, searcher([grep, "-F", "jpat_"], [log], count),
                      count), *found]
