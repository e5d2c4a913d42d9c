"""The compile commands of a build, for tools that look at each source.

commands.py FOLDER                      writes FOLDER/compile_commands.json, from
                                        what make would run in a new one
commands.py FOLDER COMPILER ARGUMENT... compiles each source so, into nothing; fails
                                        where the compiler (gcc) says anything that
                                        analyze.explained does not explain
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

LIST = "compile_commands.json"
SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))


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


def explained():
    """(source, function, warning) of each that is no fault."""
    with open(os.path.join(SOURCE, "tests/static/analyze.explained")) as file:
        return {tuple(line.split()) for line in file
                if not line.startswith(("#", " ", "\n"))}


def place_of(warning):
    """Its source, function and name, as analyze.explained spells them."""
    path = os.path.realpath(warning["locations"][0]["caret"]["file"])
    steps = warning.get("path", [{}])
    return (os.path.relpath(path, SOURCE), steps[-1].get("function", "-"),
            warning.get("option", warning["kind"]))


def spelled(warning):
    caret = warning["locations"][0]["caret"]
    steps = "".join("    %s:%d: %s: %s\n" % (
        os.path.basename(step["location"]["file"]), step["location"]["line"],
        step["function"], step["description"])
        for step in warning.get("path", []) if "location" in step)
    return "%s:%d: %s: %s\n%s" % (" ".join(place_of(warning)), caret["line"],
                                  warning["kind"], warning["message"], steps)


def compiled(row, compiler):
    """What the compiler says about one source: warnings, and what is no such."""
    ended = subprocess.run(
        compiler + ["-fdiagnostics-format=json"] +
        shlex.split(row["command"])[1:] + ["-o", "/dev/null"],
        cwd=row["directory"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False)
    try:
        said = [one for line in ended.stdout.splitlines() if line
                for one in json.loads(line)]
    except ValueError:
        return [], ended.stdout
    return said, ("" if ended.returncode == 0 else
                  "%s: status %d\n" % (row["file"], ended.returncode))


def compile_each(folder, compiler):
    with open(os.path.join(folder, LIST)) as file:
        rows = json.load(file)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        all_ = list(pool.map(lambda row: compiled(row, compiler), rows))
    known = explained()
    said = [spelled(one) for warnings, _ in all_ for one in warnings
            if place_of(one) not in known] + [text for _, text in all_ if text]
    seen = {place_of(one) for warnings, _ in all_ for one in warnings}
    sys.stdout.write("".join(said))
    print("%d sources, %d explained, %d explanations of what is not there" % (
        len(rows), len(seen & known), len(known - seen)))
    return 1 if said else 0


if __name__ == "__main__":
    place = os.path.abspath(sys.argv[1])
    sys.exit(compile_each(place, sys.argv[2:]) if sys.argv[2:] else write(place))
