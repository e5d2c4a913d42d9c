#!/usr/bin/env python3
"""What an engine does with the files of examples/container, without one.

Usage: container.py steps CONTAINERFILE
       container.py differ POD COMPOSE
       container.py run POD IMAGE VOLUMES CONTAINER [COMMAND...]

`steps` prints the instructions of a Containerfile, one a line: the word, a tab, the
rest, in which ARGs with a default are replaced.

`differ` prints what a compose file says otherwise than a pod.

`run` becomes that container of a pod: its command, or another one, as its user, in
its view of the files. IMAGE is the folder of an overlay (tests/lib/roots.sh), VOLUMES
has a folder for each volume. The network is that of the caller.
"""

import os
import re
import sys

import yaml

MS = {"volume": "mount --bind '%s' '%s'",
      "read-only": "mount -o remount,bind,ro '%s'"}
FIRST = """set -eu
mount -t tmpfs container /mnt
mkdir /mnt/upper /mnt/work /mnt/root
cd "$(cat "$1/folder")"
mount -t overlay -o \
    "lowerdir=$1/upper:$(cat "$1/layers"),upperdir=/mnt/upper,workdir=/mnt/work" \
    image /mnt/root
cd /mnt/root
mount -t proc proc proc
mount -t tmpfs -o mode=755 dev dev
for n in null:3 zero:5 random:8 urandom:9; do
    mknod -m 666 "dev/${n%:*}" c 1 "${n#*:}"
done
"""
LAST = """shift
exec chroot . setpriv "$@"
"""


def steps(path):
    with open(path) as file:
        text = file.read()
    text = re.sub(r"(?m)^#.*\n", "", text).replace("\\\n", " ")
    defaults = {}
    for line in filter(None, map(str.strip, text.split("\n"))):
        word, rest = line.split(None, 1)
        if word == "ARG":
            name, value = rest.split("=", 1)
            defaults[name] = value
        for name, value in defaults.items():
            rest = rest.replace("${%s}" % name, value)
        print("%s\t%s" % (word, re.sub(r"[ \t]+", " ", rest)))


def of_pod(spec):
    for one in spec["initContainers"] + spec["containers"]:
        security = one["securityContext"]
        yield one["name"], {
            "command": one.get("command"),
            "user": "%(runAsUser)d:%(runAsGroup)d" % security,
            "read-only": security.get("readOnlyRootFilesystem", False),
            "capabilities": security["capabilities"] == {"drop": ["ALL"]},
            "privileges": not security["allowPrivilegeEscalation"],
            "mounts": {(mount["name"], mount["mountPath"],
                        mount.get("readOnly", False))
                       for mount in one["volumeMounts"]
                       if mount["name"] != "proxy-config"}}


def of_compose(services):
    for name, one in services.items():
        volumes = [(volume + ":").split(":")[:3] for volume in one["volumes"]]
        yield name, {
            "command": one.get("command"), "user": one["user"],
            "read-only": one.get("read_only", False),
            "capabilities": one["cap_drop"] == ["ALL"],
            "privileges": one["security_opt"] == ["no-new-privileges"],
            "mounts": {(source, path, how == "ro")
                       for source, path, how in volumes if "/" not in source}}


def differ(pod, compose):
    with open(pod) as one, open(compose) as other:
        left = dict(of_pod(yaml.safe_load(one)["spec"]))
        right = dict(of_compose(yaml.safe_load(other)["services"]))
    for name in left.keys() | right.keys():
        if left.get(name) != right.get(name):
            print(name, left.get(name), right.get(name))


def make_volume(volume, group, volumes):
    """As Kubernetes makes it: everybody's, or that of fsGroup."""
    path = os.path.join(volumes, volume["name"])
    if not os.path.isdir(path):
        os.mkdir(path)
        mode = 0o2777 if "emptyDir" in volume else 0o2775
        os.chown(path, 0, group)
        os.chmod(path, mode)
    return path


def mounts(container, paths):
    for mount in container["volumeMounts"]:
        inside = "." + mount["mountPath"]
        yield "mkdir -p '%s'" % inside
        yield MS["volume"] % (paths[mount["name"]], inside)
        if mount.get("readOnly"):
            yield MS["read-only"] % inside


def identity(container, group):
    """What setpriv(1) takes away."""
    security = container["securityContext"]
    args = ["--reuid=%d" % security["runAsUser"],
            "--regid=%d" % security["runAsGroup"], "--groups=%d" % group]
    if security["capabilities"] == {"drop": ["ALL"]}:
        args += ["--bounding-set=-all", "--inh-caps=-all"]
    if security["allowPrivilegeEscalation"] is False:
        args.append("--no-new-privs")
    return args


def run(pod, image, volumes, name, *command):
    with open(pod) as file:
        spec = yaml.safe_load(file)["spec"]
    group = spec["securityContext"]["fsGroup"]
    paths = {volume["name"]: make_volume(volume, group, volumes)
             for volume in spec["volumes"]}
    container = next(one for one in spec["initContainers"] + spec["containers"]
                     if one["name"] == name)
    script = FIRST + "\n".join(mounts(container, paths)) + "\n"
    if container["securityContext"].get("readOnlyRootFilesystem"):
        script += MS["read-only"] % "/mnt/root" + "\n"
    os.execvp("unshare", [
        "unshare", "-m", "-p", "-i", "-u", "--fork", "--kill-child",
        "--propagation", "private", "sh", "-c", script + LAST, name, image,
        *identity(container, group), "env", "-i",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        *(command or container["command"])])


{"steps": steps, "differ": differ, "run": run}[sys.argv[1]](*sys.argv[2:])
