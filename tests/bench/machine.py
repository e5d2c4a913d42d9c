"""What the figures were measured on, and with which versions."""
import datetime
import os
import subprocess

PACKAGES = ["libpam0g", "libsodium23", "libdb5.3", "apache2-bin",
            "libapache2-mod-authnz-pam", "sasl2-bin"]


def first_line(path, key):
    try:
        with open(path) as file:
            for line in file:
                if line.startswith(key):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def os_name():
    try:
        with open("/etc/os-release") as file:
            for line in file:
                if line.startswith("PRETTY_NAME="):
                    return line.split("=", 1)[1].strip().strip('"')
    except OSError:
        pass
    return "unknown"


def versions():
    """Of the Debian packages that take part, as far as they are installed."""
    try:
        shown = subprocess.run(
            ["dpkg-query", "-W", "-f",
             "${Package} ${Version} ${db:Status-Status}\n", *PACKAGES],
            capture_output=True, text=True).stdout
    except OSError:
        return {}
    lines = [line.split() for line in shown.splitlines()]
    return {line[0]: line[1] for line in lines
            if len(line) == 3 and line[2] == "installed"}


def describe():
    """A dictionary of texts and numbers."""
    kib = first_line("/proc/meminfo", "MemTotal").split()[0]
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime(
            "%Y-%m-%dT%H:%M:%SZ"),
        "system": os_name(),
        "kernel": os.uname().release,
        "processor": first_line("/proc/cpuinfo", "model name"),
        "processors": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(kib) / 1048576, 1) if kib.isdigit() else 0,
        "load_before": round(os.getloadavg()[0], 2),
        "versions": versions(),
    }
