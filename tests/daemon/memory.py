"""What is in the memory of another process; it takes root to look."""


def pieces(pid):
    """The memory of a process, as (range, flags, bytes)."""
    flags = {}
    with open("/proc/%d/smaps" % pid) as file:
        at = None
        for line in file:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                at = words[0]
            elif words[0] == "VmFlags:":
                flags[at] = words[1:]
    with open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for place, marks in flags.items():
            begin, end = (int(number, 16) for number in place.split("-"))
            if "rd" not in marks:
                continue
            try:
                mem.seek(begin)
                yield place, marks, mem.read(end - begin)
            except (OSError, OverflowError, ValueError):
                continue  # of the kernel, or a guard


def found(pid, needles):
    """Where each of the byte strings lies: {needle's name: flags}."""
    hits = {}
    for place, marks, data in pieces(pid):
        for name, needle in needles.items():
            if needle in data:
                hits.setdefault(name, []).append((place, marks))
    return hits


def needles_of(tokens):
    """The whole, the secret, and the first half of it."""
    needles = {}
    for number, token in enumerate(tokens):
        token = token.encode()
        needles["token %d" % number] = token
        needles["secret %d" % number] = token[14:44]
        needles["half secret %d" % number] = token[14:30]
    return needles
