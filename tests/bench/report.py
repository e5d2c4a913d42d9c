"""What was measured, as text, Markdown, JSON and plots. A report is made of
what is in the JSON alone: it can be printed again later.

    {"machine": {...}, "slots": [{"name", "title", "about", "base", "plot",
        "columns": [[figure, heading, format], ...],
        "rounds", "samples": {contender: [{figure: number}, ...]},
        "missing": {contender: reason},
        "targets": [{"words", "sense", "limit", "unit", "value", "met"}]}]}

`value` and `met` are null where someone was missing.
"""
import json
import os
import re
import shutil
import subprocess
import textwrap

from measure import medians, spread

BEGIN = "<!-- begin of what tests/bench/run --into writes -->"
END = "<!-- end of what tests/bench/run --into writes -->"


def rows(slot):
    """The heading of the table, and a row of texts for each contender."""
    columns = slot["columns"]
    main = columns[0][0]
    base = slot["samples"].get(slot["base"])
    base = medians(base)[main] if base else None
    heading = ["", *(words for _, words, _ in columns)]
    if base:
        heading.append("× " + slot["base"])
    table = []
    for name, samples in slot["samples"].items():
        median = medians(samples)
        row = [name, *(form % median[figure] if figure in median else "–"
                       for figure, _, form in columns)]
        if base:
            row.append("%.2f" % (median[main] / base))
        table.append(row)
    return heading, table


def verdict(target):
    if target["value"] is None:
        return "not measured"
    return "met" if target["met"] else "NOT MET"


def reading(target):
    """What the target came to."""
    if target["value"] is None:
        return "–"
    value = target["value"]
    return ("%.0f%s" if value >= 100 else "%.3g%s") % (value, target["unit"])


def bound(target):
    sign = {"<=": "≤", ">=": "≥"}[target["sense"]]
    return "%s %g%s" % (sign, target["limit"], target["unit"])


def aligned(heading, table):
    """For people: columns of equal width, numbers at the right."""
    widths = [max(len(row[i]) for row in [heading, *table])
              for i in range(len(heading))]
    for row in [heading, *table]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width)
                  for cell, width in zip(row[1:], widths[1:])]
        yield "  ".join(cells).rstrip()


def text(report):
    lines = [machine_line(report["machine"])]
    for slot in report["slots"]:
        lines += ["", "%s (%s; medians of %d rounds)" % (
            slot["title"], slot["name"], slot["rounds"]), ""]
        lines += ["  " + line for line in aligned(*rows(slot))]
        lines += ["  %s: left out: %s" % pair
                  for pair in slot["missing"].items()]
        lines.append("")
        lines += ["  %-12s %8s %-8s %s" % (
            verdict(target), reading(target), "(%s)" % bound(target),
            target["words"]) for target in slot["targets"]]
    return "\n".join(lines) + "\n"


def machine_line(machine):
    return "%s, %d processors (%s), %.0f GiB, Linux %s; load before: %.2f" % (
        machine["system"], machine["processors"], machine["processor"],
        machine["memory_gib"], machine["kernel"], machine["load_before"])


def pipes(row):
    return "| " + " | ".join(row) + " |"


def markdown(report):
    """The tables of doc/PERFORMANCE.md."""
    machine = report["machine"]
    lines = ["Measured %s on %s." % (
        machine["date"][:10], machine_line(machine)), ""]
    if machine["versions"]:
        lines += ["Versions: %s." % ", ".join(
            " ".join(pair) for pair in machine["versions"].items()), ""]
    for slot in report["slots"]:
        heading, table = rows(slot)
        lines += ["### " + slot["title"], "", slot["about"], "",
                  pipes(heading), pipes(["---"] + ["--:"] * (len(heading) - 1))]
        lines += [pipes(row) for row in table]
        lines.append("")
        lines += ["%s was left out: %s." % pair
                  for pair in slot["missing"].items()]
        if slot["missing"]:
            lines.append("")
        if slot["targets"]:
            lines += [pipes(["target", "limit", "measured", ""]),
                      pipes(["---", "--:", "--:", "---"])]
            lines += [pipes([target["words"], bound(target), reading(target),
                             verdict(target)]) for target in slot["targets"]]
            lines.append("")
    return "\n".join(wrapped(lines)).rstrip() + "\n"


def wrapped(lines):
    """Paragraphs of 80 columns; tables as they are."""
    for line in lines:
        if line.startswith("|") or len(line) <= 80:
            yield line
        else:
            yield from textwrap.wrap(" ".join(line.split()), 80,
                                     break_long_words=False,
                                     break_on_hyphens=False)


def into(path, words):
    """Puts `words` between the two marks of the file, and nothing else."""
    with open(path, encoding="utf-8") as file:
        old = file.read()
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    if len(pattern.findall(old)) != 1:
        raise ValueError("%s: no place between the lines\n%s\n%s" % (
            path, BEGIN, END))
    new = pattern.sub(lambda _: "%s\n\n%s\n%s" % (BEGIN, words, END), old)
    with open(path, "w", encoding="utf-8") as file:
        file.write(new)


def save(report, folder):
    """results.json, and a plot of each slot. Returns the names."""
    os.makedirs(folder, exist_ok=True)
    names = [os.path.join(folder, "results.json")]
    with open(names[0], "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, ensure_ascii=False)
        file.write("\n")
    for slot in report["slots"]:
        if slot["plot"] and shutil.which("gnuplot"):
            name = os.path.join(folder, slot["name"] + ".svg")
            subprocess.run(["gnuplot"], input=script(slot, name), text=True,
                           check=True)
            names.append(name)
    return names


def quoted(words):
    """As a string of gnuplot's."""
    return "'%s'" % words.replace("'", "''")


def script(slot, name):
    """A bar for each contender that has the figure: the median, and a line from
    the smallest to the largest."""
    figure, label = slot["plot"]
    lines, ticks = [], []
    shown = [(contender, samples) for contender, samples
             in slot["samples"].items() if figure in samples[0]]
    for number, (contender, samples) in enumerate(shown):
        low, high = spread(samples, figure)
        lines.append("%d %g %g %g" % (
            number, medians(samples)[figure], low, high))
        ticks.append("%s %d" % (quoted(contender), number))
    return """\
set terminal svg size 800,480 noenhanced font 'sans,12' background 'white'
set output %s
set title %s
set ylabel %s
set logscale y
set grid ytics
set boxwidth 0.6
set style fill solid 0.6
set xtics rotate by -25 (%s)
set xrange [-0.6:%d.6]
set key off
$figures << EOD
%s
EOD
plot $figures using 1:2 with boxes lc rgb '#4472a8', \\
     $figures using 1:2:3:4 with yerrorbars lc rgb '#202020' pt 0, \\
     $figures using 1:2:(sprintf('%%.3g', $2)) with labels offset 0,0.8
""" % (quoted(name), quoted(slot["title"]), quoted(label), ", ".join(ticks),
       len(lines) - 1, "\n".join(lines))
