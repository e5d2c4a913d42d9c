"""make bench: jira-pat beside what it is compared with, in one run. Started by
tests/bench/run, which sees to build and packages."""
import argparse
import contextlib
import importlib
import json
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import machine  # noqa: E402
import report  # noqa: E402
from measure import Missing, Target, met, reached, take_turns  # noqa: E402

# A new slot is a module with what measure.py lists, and a line here.
SLOTS = [
    "slot_pam",
    "slot_apache",
    "slot_mux",
    "slot_cold",
    "slot_scale",
    "slot_day",
    "slot_sync",
    "slot_users",
    "slot_restart",
    "slot_bulk",
    "slot_identify",
    "slot_authorizer",
    "slot_page",
    "slot_cluster",
]
ROUNDS, QUICK_ROUNDS = 9, 3
BESIDE = ", other build"
WORSE = 1.03  # a build than the other, at most
SECONDS, QUICK_SECONDS = 0.4, 0.1  # of a turn


def slots():
    return [importlib.import_module(name) for name in SLOTS]


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run", description=(
            "Measures jira-pat beside what it is compared with. Tables go to "
            "standard output, JSON and plots into a folder."))
    add = parser.add_argument
    add("--list", action="store_true", help="say which slots there are")
    add("--slot", action="append", metavar="NAME",
        help="this slot only; may be repeated")
    add("--quick", action="store_true",
        help="few and short rounds: a look, not a measurement")
    add("--rounds", type=int, help="default: %d" % ROUNDS)
    add("--seconds", type=float,
        help="that each turn of a contender takes; default: %g" % SECONDS)
    add("--operations", type=int, metavar="N",
        help="so many in each turn instead, to see that it runs")
    add("--beside", metavar="BUILD",
        help="let ours of another build, made by make bench-parts, take turns "
        "with this one's")
    add("--output", metavar="FOLDER", default="bench-results",
        help="for JSON and plots; default: bench-results")
    add("--markdown", action="store_true",
        help="print the tables as doc/PERFORMANCE.md has them")
    add("--into", metavar="FILE",
        help="put them between the marks of this file, too")
    add("--from", metavar="FILE", dest="again",
        help="measure nothing: report what this results.json says")
    return parser


def chosen(parser, names):
    known = {slot.NAME: slot for slot in slots()}
    for name in names or []:
        if name not in known:
            parser.error("there is no slot %s, only: %s" % (
                name, ", ".join(known)))
    return [slot for slot in known.values()
            if not names or slot.NAME in names]


class Progress:
    """One line on standard error, rewritten where that is a terminal."""

    def __init__(self):
        self.terminal = sys.stderr.isatty()
        self.last = None

    def say(self, words):
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write("\r\033[K" + words[:width])
        elif words != self.last:
            sys.stderr.write(words + "\n")
        self.last = words
        sys.stderr.flush()

    def end(self):
        if self.terminal:
            sys.stderr.write("\r\033[K")


def target_result(target, samples):
    value = reached(target, samples)
    return {"words": target.words, "sense": target.sense,
            "limit": target.limit, "unit": target.unit, "value": value,
            "met": None if value is None else met(target, value)}


def ours_of(slot, place):
    """Our contenders of the other build, named so; the rest are in already."""
    found = [c for c in slot.contenders(place) if c.name.startswith("ours")
             and not isinstance(c, Missing)]
    for contender in found:
        contender.name += BESIDE
    return found


def no_worse(slot, names):
    """Targets: ours, against ours of the other build."""
    if not names:
        return []
    figure = slot.PLOT[0]
    sense, limit = (">=", 1 / WORSE) if figure == "rate" else ("<=", WORSE)
    return [Target("%s: no worse than %s" % (
                name[:-len(BESIDE)], name), figure, name[:-len(BESIDE)], sense,
                   limit, name) for name in names]


def run_slot(slot, options, progress):
    from place import Place  # needs a build; --list and --from do not
    rounds = options.rounds or getattr(slot, "ROUNDS", None) or ROUNDS
    seconds = options.seconds or SECONDS
    if options.quick:
        rounds = options.rounds or QUICK_ROUNDS
        seconds = options.seconds or QUICK_SECONDS

    def say(words):
        progress.say("%s: %s" % (slot.NAME, words))

    say("starts what it needs")
    with contextlib.ExitStack() as places:
        def place(**build):
            return places.enter_context(Place(
                options.quick, options.operations, say, **build))

        everyone = slot.contenders(place())
        other = []
        if options.beside:
            other = ours_of(slot, place(build=os.path.abspath(options.beside)))
        everyone += other
        present = [c for c in everyone if not isinstance(c, Missing)]
        take_turns(present, rounds, seconds, options.operations, say)
    samples = {c.name: c.samples for c in present}
    return {
        "name": slot.NAME, "title": slot.TITLE,
        "about": " ".join(slot.ABOUT.split()), "base": slot.BASE,
        "plot": slot.PLOT, "columns": slot.COLUMNS, "rounds": rounds,
        "samples": samples,
        "missing": {c.name: c.reason for c in everyone
                    if isinstance(c, Missing)},
        "targets": [target_result(t, samples) for t in [
            *slot.TARGETS, *no_worse(slot, [c.name for c in other])]],
    }


def measure(parser, options):
    """A slot that fails does not take with it what others have measured."""
    from place import Failed
    progress = Progress()
    made = {"machine": machine.describe(), "quick": options.quick,
            "slots": [], "failed": []}
    try:
        for slot in chosen(parser, options.slot):
            try:
                made["slots"].append(run_slot(slot, options, progress))
            except Failed as error:
                progress.end()
                print("tests/bench/run: %s: %s" % (slot.NAME, error),
                      file=sys.stderr)
                made["failed"].append(slot.NAME)
    finally:
        progress.end()
    names = report.save(made, options.output)
    print("written: " + " ".join(names), file=sys.stderr)
    if not shutil.which("gnuplot"):
        print("no plots: gnuplot is missing (apt-get install gnuplot-nox)",
              file=sys.stderr)
    return made


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = arguments()
    options = parser.parse_args()
    if options.list:
        for slot in slots():
            print("%-8s %s" % (slot.NAME, slot.TITLE))
        return
    made = load(options.again) if options.again else measure(parser, options)
    sys.stdout.write(report.markdown(made) if options.markdown
                     else report.text(made))
    if options.into:
        report.into(options.into, report.markdown(made))
    if made.get("failed"):
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if type(error).__name__ not in ("Failed", "ValueError"):
            raise
        sys.exit("tests/bench/run: %s" % error)
