"""The compile commands of a build, for tools that look at each source.

commands.py FOLDER                      writes FOLDER/compile_commands.json, from
                                        what make would run in a new one
commands.py FOLDER COMPILER ARGUMENT... compiles each source so, into nothing; fails
                                        where the compiler says anything
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

LIST = "compile_commands.json"


def compilations(folder):
    """The words of each compilation, as the compiler gets them."""
    said = subprocess.run(
        ["make", "-n", "-k", "V=1", "-C", folder, "all"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=False).stdout
    said = re.sub(r"\\\n", " ", said)
    said = re.sub(r"`test -f '(\S+)' \|\| echo '(\S+)'`", r"\2", said)
    for line in re.split(r"\n|&&|;", said):
        words = shlex.split(line) if " -c " in line and ".c" in line else []
        if "-c" in words and words[-1].endswith(".c"):
            modes = [i for i, word in enumerate(words) if "--mode=" in word]
            yield words[modes[0] + 1:] if modes else words


def without_dependencies(words):
    """Without what writes lists of dependencies, and without the object file."""
    kept, skip = [], False
    for word in words:
        if not skip and word not in ("-MD", "-MP", "-MT", "-MF", "-o"):
            kept.append(word)
        skip = word in ("-MT", "-MF", "-o")
    return kept


def write(folder):
    rows = {}
    for words in compilations(folder):
        path = os.path.normpath(os.path.join(folder, words[-1]))
        # Not as a list, "arguments", which analyze-build does not know.
        rows.setdefault(path, {"directory": folder, "file": path, "command":
                               shlex.join(without_dependencies(words))})
    if not rows:
        sys.exit("commands.py: make compiles nothing in " + folder)
    with open(os.path.join(folder, LIST), "w") as out:
        json.dump(list(rows.values()), out, indent=1)


def compiled(row, compiler):
    """What the compiler says about one source."""
    ended = subprocess.run(
        compiler + shlex.split(row["command"])[1:] + ["-o", "/dev/null"],
        cwd=row["directory"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False)
    return ended.stdout or ("%s: status %d\n" % (row["file"], ended.returncode)
                            if ended.returncode else "")


def compile_each(folder, compiler):
    with open(os.path.join(folder, LIST)) as file:
        rows = json.load(file)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        said = list(pool.map(lambda row: compiled(row, compiler), rows))
    sys.stdout.write("".join(said))
    print("%d sources" % len(rows))
    return 1 if any(said) else 0


if __name__ == "__main__":
    place = os.path.abspath(sys.argv[1])
    sys.exit(compile_each(place, sys.argv[2:]) if sys.argv[2:] else write(place))
