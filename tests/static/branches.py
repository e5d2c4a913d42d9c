"""Every branch of what decides is taken by its units.

branches.py BUILD: compiles each of these sources for gcov, in a scratch folder, links
it in front of the libraries of BUILD with its units, and runs them. Prints TAP. The
branch that leaves a `switch` without a case is not counted: each names all cases, so
that the compiler finds a missing one.
"""
import json
import os
import subprocess
import sys
import tempfile

from mutants import SOURCE, SUBJECTS, Build

DECIDES = {
    "common/decide/decide.c": "decide rotation uses",
    "common/decide/parents.c": SUBJECTS["common/decide/parents.c"],
    "common/decide/throttle.c": SUBJECTS["common/decide/throttle.c"],
    "common/wire/verdict.c": "decide",
    "common/wire/token.c": "token",
}


def reached(place, name):
    """gcov's lines of one source."""
    said = subprocess.run(
        ["gcov", "--branch-probabilities", "--json-format", "--stdout", name],
        cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=True).stdout
    files = [file for row in said.splitlines() for file in json.loads(row)["files"]]
    return [line for file in files if os.path.basename(file["file"]) == name
            for line in file["lines"]]


def missed(lines, text):
    """"NUMBER: TEXT" of each line with a branch that was never taken."""
    source = text.splitlines()
    for line in lines:
        number = line["line_number"]
        code = source[number - 1].strip()
        lost = sum(branch["count"] == 0 for branch in line["branches"])
        if code.startswith("switch (") and lost == 1 and line["count"]:
            continue
        if lost or not line["count"]:
            yield "%d: %s (%s)" % (number, code, " ".join(
                str(branch["count"]) for branch in line["branches"]))


def of_source(build, path):
    with open(os.path.join(SOURCE, path)) as file:
        text = file.read()
    name = path.replace("/", "_")
    target = build.compiled(path, text, name, "-O0", "--coverage")
    if target is None:
        return ["it does not compile"]
    place = os.path.dirname(target)
    for test in DECIDES[path].split():
        program = build.linked(test, target)
        if not build.passes(program):
            return ["test_%s fails" % test]
    # Its counts lie where GCOV_PREFIX has put them.
    counts = os.path.join(place, target[:-1].lstrip("/") + "gcda")
    if os.path.exists(counts):
        os.rename(counts, target[:-1] + "gcda")
    return list(missed(reached(place, os.path.basename(path)), text))


def main(folder):
    failed = 0
    print("1..%d" % len(DECIDES))
    with tempfile.TemporaryDirectory(prefix="jira-pat.") as scratch:
        build = Build(os.path.abspath(folder), scratch, ("--coverage",))
        for number, path in enumerate(DECIDES, 1):
            lost = of_source(build, path)
            failed += bool(lost)
            print("%sok %d - every branch of %s is taken" % (
                "not " if lost else "", number, path), flush=True)
            for line in lost:
                print("# " + line)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
