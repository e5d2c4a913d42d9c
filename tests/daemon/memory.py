"""What is in the memory of another process; it takes root to look."""
import ctypes
import os
import subprocess


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


PTRACE_TRACEME, PTRACE_CONT, PTRACE_SETOPTIONS = 0, 7, 0x4200
PTRACE_O_TRACEEXEC, PTRACE_O_TRACEEXIT, PTRACE_O_EXITKILL = 16, 64, 1 << 20
PTRACE_EVENT_EXIT = 6
WALL = 0x40000000


def ptrace(request, pid=0, data=0):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                            ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long
    if libc.ptrace(request, pid, None, data) != 0:
        raise OSError(ctypes.get_errno(), "ptrace(%#x)" % request)


def to_the_end(arguments, look, **options):
    """Runs a program; its exit status. Its last moment, when it will execute
    nothing more and its memory is still there, is when look(pid) is called.
    """
    process = subprocess.Popen(
        arguments, preexec_fn=lambda: ptrace(PTRACE_TRACEME), **options)
    begun = False
    while True:
        _, status = os.waitpid(process.pid, WALL)
        if not os.WIFSTOPPED(status):
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode
        event, signal_number = status >> 16, os.WSTOPSIG(status)
        if event == PTRACE_EVENT_EXIT:
            look(process.pid)
        if not begun:  # exec(2) is done
            ptrace(PTRACE_SETOPTIONS, process.pid,
                   PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)
        if event or not begun:
            signal_number = 0
        begun = True
        ptrace(PTRACE_CONT, process.pid, signal_number)
