"""Faults put into the sources, one at a time: each has to make a unit test fail.

mutants.py BUILD [COUNT=N] [SECONDS=N] [FILES="a.c b.c"]

A mutant is one small change of one source. It is compiled in a scratch folder,
linked in front of the libraries of BUILD with the test programs of that source, and
these run until one fails. What the compiler makes the same code of is no mutant.
One that survives is a gap in the tests, unless mutants.explained says why nothing
can tell it from the original. Which mutants there are depends on the sources alone.
"""
import concurrent.futures
import hashlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
EXPLAINED = os.path.join(HERE, "mutants.explained")
HANGS = 120  # seconds; a mutant may loop for ever

REPLICA = "replica_commit replica_answer replica_lost replica_log replica_lease " \
    "replica_open replica_settle cluster_release"

# What is mutated, and the units that have to notice, the quick ones first.
SUBJECTS = {
    "common/decide/decide.c": "decide children uses usage claim upstream groups "
                              "rotation listing users",
    "common/decide/parents.c": "parents children decide",
    "common/decide/memo.c": "memo decide memo_file",
    "common/decide/memo_file.c": "memo_file",
    "common/decide/rotation.c": "rotation children",
    "common/decide/throttle.c": "throttle decide",
    "common/cluster/chain.c": "cluster_chain",
    "common/cluster/holder.c": "cluster_holder",
    "common/cluster/lease.c": "cluster_lease cluster_release",
    "common/cluster/link.c": "cluster_link",
    "common/cluster/link_parts.c": "cluster_link",
    "common/cluster/replica.c": REPLICA,
    "common/cluster/replica_commit.c": REPLICA,
    "common/cluster/replica_settle.c": REPLICA,
    "common/cluster/replica_state.c": REPLICA,
    "common/cluster/replica_take.c": REPLICA,
    "common/decide/cluster_view.c": "cluster_view",
    "common/store/batch.c": "store_batch " + REPLICA,
    "common/store/batch_make.c": "store_batch " + REPLICA,
    "common/store/bdb_apply.c": "store_place",
    "patd/cluster_door.c": "cluster_door",
    "patd/cluster_snapshot.c": "cluster_snapshot",
    "patd/cluster_wire.c": "cluster_wire",
    "pat_clusterd/advice.c": "database",
    "pat_clusterd/bridge.c": "bridge",
    "pat_clusterd/bridge_say.c": "bridge",
    "pat_clusterd/database_rounds.c": "database_rounds",
    "pat_clusterd/database_words.c": "database",
    "pat_clusterd/host.c": "host",
    "pat_clusterd/names.c": "names",
    "pat_clusterd/pq_conninfo.c": "pq_conninfo",
    "pat_clusterd/statement.c": "database",
    "common/sys/boot_id.c": "boot_id",
    "common/wire/verdict.c": "decide fronts decision_log mux",
    "common/wire/token.c": "token decide token_make",
    "common/wire/verify.c": "wire client",
    "common/wire/saslauthd.c": "mux",
    "common/wire/sasl_plain.c": "login lengths",
    "common/wire/sasl_bearer.c": "login lengths",
    "common/wire/realm.c": "mux login",
    "common/base/net.c": "net",
    "common/admin/self_service.c": "self_service admin children",
    "common/admin/self_limits.c": "self_service children",
    "common/admin/owns.c": "self_service",
    "common/admin/within.c": "children self_service",
}

# Operators: (name, pattern, what takes its place). In code alone, never in texts,
# comments or lines of the preprocessor. A place is mutated once by each.
SWAPS = [
    ("comparison", r"<=", "<"), ("comparison", r">=", ">"),
    ("comparison", r"==", "!="), ("comparison", r"!=", "=="),
    ("comparison", r"(?<= )<(?= )", "<="), ("comparison", r"(?<= )>(?= )", ">="),
    ("logic", r"&&", "||"), ("logic", r"\|\|", "&&"),
    ("negation", r"!(?=[A-Za-z_(])", ""),
    ("arithmetic", r"(?<= )\+(?= )", "-"), ("arithmetic", r"(?<= )-(?= )", "+"),
    ("arithmetic", r"\+=", "-="), ("arithmetic", r"-=", "+="),
    ("arithmetic", r"(?<= )\*(?= )", "/"), ("arithmetic", r"(?<= )%(?= )", "*"),
    ("bits", r"<<", ">>"), ("bits", r">>", "<<"),
    ("bits", r"(?<= )&(?= )", "|"), ("bits", r"(?<= )\|(?= )", "&"),
    ("constant", r"\btrue\b", "false"), ("constant", r"\bfalse\b", "true"),
    ("constant", r"(?<![\w.])0(?![\w.])", "1"),
    ("constant", r"(?<![\w.])1(?![\w.])", "2"),
    ("constant", r"(?<![\w.])([2-9]|[1-9][0-9]+)(?![\w.])", r"(\1 + 1)"),
    ("verdict", r"\bJP_DENY\b", "JP_ACCEPT"),
    ("verdict", r"\bJP_REASON_(?!NONE\b)\w+", "JP_REASON_NONE"),
    ("verdict", r"\bJP_MEMBER_(NO|UNKNOWN)\b", "JP_MEMBER_YES"),
    ("error", r"(?<=return )JP_ERR_(?!OK\b)\w+", "JP_ERR_OK"),
    ("condition", r"\bif \(([^;{}]*?)\)( \{)?\n", r"if (0 && (\1))\2\n"),
    ("condition", r"\bif \(([^;{}]*?)\)( \{)?\n", r"if (1 || (\1))\2\n"),
    ("statement", r"(?<=\t)(?!return|break|continue|goto|if|for|while|else|do|case)"
                  r"[a-z_(][\w>.\[\]*()-]*(\([^;{}]*\)| [-+|&]?= [^;{}]+);", ";"),
]


# --- Mutants ------------------------------------------------------------------

def blanked(text):
    """The text with all that is no code made blank, at the same places."""
    noise = re.compile(r'/\*[\s\S]*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
                       r'|^#(?:.*\\\n)*.*$', re.M)
    return noise.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


class Mutant:
    """One change of one source."""

    def __init__(self, path, text, match, swap):
        self.path, self.operator = path, swap[0]
        self.start, self.end = match.span()
        self.new = match.expand(swap[2])
        self.line = text.count("\n", 0, self.start) + 1
        self.before = self.whole_lines(text, "")
        self.after = self.whole_lines(
            text[:self.start] + self.new + text[self.end:], self.new)

    def whole_lines(self, text, new):
        """The statement's lines that the change touches, on one line."""
        end = self.start + len(new) if new else self.end
        first = text.rfind("\n", 0, self.start) + 1
        last = text.find("\n", end)
        return " ".join(text[first:last].split())

    def key(self):
        return self.path, self.before, self.after

    def rank(self):
        """A number that no change elsewhere in the sources moves."""
        return hashlib.sha256("\n".join(self.key()).encode()).hexdigest()

    def __str__(self):
        return "%s:%d: %s\n  - %s\n  + %s" % (
            self.path, self.line, self.operator, self.before, self.after)


def in_functions(code):
    """Whether a place is inside of a function, for each place."""
    inside, depth = bytearray(len(code)), 0
    for match in re.finditer(r"^\{$|^\}$|[^\n]*\n", code, re.M):
        line = match.group().strip("\n")
        depth = 1 if line == "{" else 0 if line == "}" else depth
        for place in range(match.start(), match.end()):
            inside[place] = depth
    return inside


def mutants_of(path):
    with open(os.path.join(SOURCE, path)) as file:
        text = file.read()
    code = blanked(text)
    inside = in_functions(code)
    found = {}
    for swap in SWAPS:
        for match in re.finditer(swap[1], code):
            if inside[match.start()]:
                mutant = Mutant(path, text, match, swap)
                found.setdefault(mutant.key(), mutant)
    return list(found.values())


def chosen(paths, count):
    """Of all mutants, as many; of each source its share."""
    groups = [sorted(mutants_of(path), key=Mutant.rank) for path in paths]
    total = sum(map(len, groups))
    picked = []
    for group in groups:
        share = max(1, round(count * len(group) / total)) if count else len(group)
        picked += group[:share]
    return picked, total


def explanations():
    """{(path, before, after): why} of mutants.explained."""
    why, path, before, after = {}, None, None, None
    with open(EXPLAINED) as file:
        for line in file:
            words = line.rstrip("\n")
            if words.startswith("#") or not words:
                continue
            if not words.startswith(" "):
                path = words
            elif words.startswith("  - "):
                before = words[4:]
            elif words.startswith("  + "):
                after = words[4:]
            else:
                key = path, before, after
                why[key] = (why.get(key, "") + " " + words.strip()).strip()
    return why


# --- Building -----------------------------------------------------------------

class Build:
    """What is needed of a build to compile one source and to link a test."""

    def __init__(self, folder, scratch, more=()):
        self.folder, self.scratch, self.more = folder, scratch, more
        self.links = {}
        # The headers of libpq, for pat_clusterd/.
        with open(os.path.join(folder, "Makefile")) as file:
            found = re.search(r"^PQ_CFLAGS = (.*)$", file.read(), re.M)
        self.flags = shlex.split(found.group(1)) if found else []

    def compiled(self, path, text, name, *options):
        """The object of a source with that text; None where it is refused."""
        place = os.path.join(self.scratch, name)
        os.makedirs(place, exist_ok=True)
        source = os.path.join(place, os.path.basename(path))
        target = source[:-1] + "o"
        with open(source, "w") as file:
            file.write(text)
        done = subprocess.run(
            ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-DHAVE_CONFIG_H", "-w",
             "-I" + self.folder, "-I" + SOURCE, *self.flags, "-fPIC", *options,
             "-c", "-o", target, source],
            cwd=place, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return target if done.returncode == 0 else None

    def link(self, test):
        """The command that links a test program, as libtool would give it."""
        if test not in self.links:
            name = "tests/unit/test_" + test
            said = subprocess.run(
                ["make", "-n", "-W", name + ".o", "V=1", name], cwd=self.folder,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                check=True).stdout
            line = [one for one in re.sub(r"\\\n", " ", said).splitlines()
                    if "--mode=link" in one and " -o " + name + " " in one][-1]
            words = shlex.split(line.replace("--mode=link", "--dry-run --mode=link"))
            said = subprocess.run(words, cwd=self.folder, stdout=subprocess.PIPE,
                                  text=True, check=True).stdout
            line = [one for one in said.splitlines() if " -o " in one][-1]
            self.links[test] = shlex.split(re.sub(r"^libtool: \w+: ", "", line))
        return self.links[test]

    def linked(self, test, target):
        """A test program in which this object stands for that of the library."""
        words = list(self.link(test))
        at = words.index("-o")
        program = os.path.join(os.path.dirname(target), "test_" + test)
        words[at:at + 2] = ["-o", program, target, *self.more]
        subprocess.run(words, cwd=self.folder, check=True,
                       stdin=subprocess.DEVNULL)
        return program

    def passes(self, program):
        """Whether a test program passes, in a folder of its own."""
        place = os.path.dirname(program)
        environment = dict(os.environ, TMPDIR=place, GCOV_PREFIX=place,
                           JP_SOURCE=SOURCE, JP_BUILD=self.folder)
        try:
            return subprocess.run(
                [program], cwd=place, env=environment, timeout=HANGS,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def code_of(target):
    """The object, to be compared."""
    if target is None:
        return None
    with open(target, "rb") as file:
        return file.read()


class Judge:
    """Says what becomes of each mutant."""

    def __init__(self, build):
        self.build = build
        self.texts = {}
        self.codes = {}

    def original(self, path):
        with open(os.path.join(SOURCE, path)) as file:
            self.texts[path] = file.read()
        name = "same/" + path.replace("/", "_")
        self.codes[path] = code_of(
            self.build.compiled(path, self.texts[path], name, "-O2"))
        target = self.build.compiled(path, self.texts[path], name, "-O1")
        for test in SUBJECTS[path].split():
            if not self.build.passes(self.build.linked(test, target)):
                sys.exit("mutants.py: test_%s fails without a mutant" % test)

    def verdict(self, number, mutant):
        """"killed", "same", "refused" or "survived"."""
        text = self.texts[mutant.path]
        text = text[:mutant.start] + mutant.new + text[mutant.end:]
        # The same name as the original, which is in the object.
        name = "%d" % number
        target = self.build.compiled(mutant.path, text, name, "-O2")
        if target is None:
            return "refused"
        if code_of(target) == self.codes[mutant.path]:
            return "same"
        target = self.build.compiled(mutant.path, text, name, "-O1")
        for test in SUBJECTS[mutant.path].split():
            program = self.build.linked(test, target)
            passed = self.build.passes(program)
            os.unlink(program)
            if not passed:
                return "killed"
        return "survived"


# --- The run ------------------------------------------------------------------

def judge_all(judge, mutants, seconds):
    """(mutant, verdict) of those that there was time for."""
    until = time.monotonic() + seconds if seconds else None

    def one(pair):
        number, mutant = pair
        if until and time.monotonic() > until:
            return mutant, None
        result = judge.verdict(number, mutant)
        if result == "survived":
            print(mutant, flush=True)
        return mutant, result

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [pair for pair in pool.map(one, enumerate(mutants)) if pair[1]]


def stale(why):
    """Explanations of what is no mutant any longer."""
    known = {mutant.key() for path in SUBJECTS for mutant in mutants_of(path)}
    return ["%s\n  - %s\n  + %s" % key for key in why if key not in known]


def main(folder, words):
    options = dict(word.split("=", 1) for word in words)
    paths = options.get("FILES", "").split() or list(SUBJECTS)
    mutants, total = chosen(paths, int(options.get("COUNT") or 0))
    why = explanations()
    for key in stale(why):
        sys.exit("mutants.explained stands for nothing:\n" + key)
    with tempfile.TemporaryDirectory(prefix="jira-pat.") as scratch:
        judge = Judge(Build(os.path.abspath(folder), scratch))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(judge.original, paths))
        judged = judge_all(judge, mutants, float(options.get("SECONDS") or 0))
    counts = {}
    for mutant, result in judged:
        if result == "survived" and mutant.key() in why:
            result = "explained"
        counts[result] = counts.get(result, 0) + 1
    print("%d mutants of %d: %s" % (len(judged), total, ", ".join(
        "%d %s" % (counts[name], name) for name in sorted(counts))))
    return 1 if counts.get("survived") or not judged else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
