"""What a program did that its AppArmor profile does not allow.

deb_profile.py PROFILE TRACE: PROFILE is the output of apparmor_parser -p, TRACE that
of strace -f -y -s 4096 of its file and socket calls. Prints what the profile lacks, and
fails if there is something, or if the trace has nothing. No kernel is asked: it is for
machines without AppArmor.
"""

import re
import sys

VARIABLES = {
    "{PROC}": "/proc/",
    "{sys}": "/sys/",
    "{run}": "/{,var/}run/",
    "{pid}": "[0-9]*",
    "{tid}": "[0-9]*",
    "{HOME}": "/home/*/",
    "{etc_ro}": "/{,usr/}etc/",
    "{etc_rw}": "/etc/",
    "{multiarch}": "*-linux-gnu*",
    "{lib}": "/{,usr/}lib/",
    "{nis_domain}": "*",
}
GLOBS = [
    (r"\*\*", ".*"), (r"\*", "[^/]*"), (r"\?", "[^/]"),
    (r"\{", "(?:"), (r"\}", ")"), (r",", "|"),
    (r"\[[^]]*\]", None), (r"\\.", None), (r".", ""),
]
RULE = re.compile(r'^\s*(deny\s+)?(?:owner\s+)?(?:file\s+)?"?(@?/?[^"\s]*/[^"\s]*)"?'
                  r"\s+([a-zA-Z]+),$")
PROGRAM = re.compile(r"^\s*profile\s+\S+\s+(/\S+)", re.MULTILINE)
CALL = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
PATH = re.compile(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')
SOCKET = re.compile(r'sun_path="([^"]*)"')
NEEDS = {
    "execve": "x", "bind": "w", "connect": "w", "mkdir": "w", "rmdir": "w",
    "mkdirat": "w", "unlink": "w", "unlinkat": "w", "rename": "w",
    "renameat": "w", "renameat2": "w", "link": "w", "linkat": "w", "chmod": "w",
    "fchmodat": "w", "chown": "w", "fchownat": "w", "truncate": "w",
}


def pattern(glob):
    """The regular expression of a path of a profile."""
    for name, value in VARIABLES.items():
        glob = glob.replace("@" + name, value)
    glob = re.sub("/+", "/", glob)
    out = ""
    while glob:
        for one, text in GLOBS:
            found = re.match(one, glob)
            if found:
                part = found.group(0)
                out += {None: part, "": re.escape(part)}.get(text, text)
                glob = glob[len(part):]
                break
    return re.compile(out + r"\Z")


def rules(path):
    """(denies, pattern, letters) of each rule about a path."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            found = RULE.match(line)
            if found:
                yield bool(found[1]), pattern(found[2]), found[3]


def wants(call, arguments):
    """What a call needs, as letters; nothing for one that is not looked at."""
    if "O_PATH" in arguments:
        return ""  # the kernel asks about a file when it is opened, not named
    if call in ("open", "openat", "openat2", "creat"):
        letters = "w" if re.search("O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", arguments) \
            else "r"
        return letters + ("r" if "O_RDWR" in arguments else "")
    return NEEDS.get(call, "")


def touched(path):
    """(file, letters) of each call that succeeded."""
    with open(path, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            found = CALL.match(line)
            if not found or int(found[3]) < 0 or not wants(found[1], found[2]):
                continue
            letters = wants(found[1], found[2])
            names = [one for one in SOCKET.findall(found[2])]
            if not names and found[1] not in ("bind", "connect"):
                names = [name if name.startswith("/") else f"{folder}/{name}"
                         for folder, name in PATH.findall(found[2])]
            if found[1] == "execve":
                names = names[:1]
            # The kernel knows folders with a "/" at the end.
            last = "/" if "O_DIRECTORY" in found[2] or "mkdir" in found[1] else ""
            for name in names:
                yield re.sub("/*$", last, name), letters


def program(path):
    """What the profile is of."""
    with open(path, encoding="utf-8") as file:
        return PROGRAM.search(file.read())[1]


def main():
    known = list(rules(sys.argv[1]))
    itself = program(sys.argv[1])
    seen = sorted({(itself if name == "/proc/self/exe" else name, letters)
                   for name, letters in touched(sys.argv[2])})
    lacks = []
    for name, letters in seen:
        allowed = {letter for denies, glob, has in known
                   if not denies and glob.match(name) for letter in has}
        denied = {letter for denies, glob, has in known
                  if denies and glob.match(name) for letter in has}
        allowed |= {"x"} if allowed & set("mx") else set()
        if set(letters) - (allowed - denied):
            lacks.append(f"{name} {letters}")
    print("\n".join(lacks))
    return 1 if lacks or not known or not seen else 0


sys.exit(main())
