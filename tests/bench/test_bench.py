"""The arithmetic and the reports of the bench, without measuring anything."""
import copy
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../daemon"))
from daemon import main  # noqa: E402

import report  # noqa: E402
from measure import (Contender, Target, calibrate, figures, medians, met,  # noqa
                     reached, take_turns)


def turns(*values):
    return [{"cpu_us": value} for value in values]


def median_figures():
    """the median of each figure, not the mean"""
    samples = [{"a": 1, "b": 30}, {"a": 100, "b": 10}, {"a": 2, "b": 20}]
    assert medians(samples) == {"a": 2, "b": 20}
    assert medians(samples[:2]) == {"a": 50.5, "b": 20}


def per_operation():
    """CPU per operation is that of client and servers"""
    found = figures(10, 2e6, 300e3, 500e3)
    assert found == {"rate": 5000, "wall_us": 200, "client_us": 30,
                     "server_us": 50, "cpu_us": 80}, found


def paired():
    """a ratio is taken within each round: what slows a round slows both"""
    target = Target("", "cpu_us", "ours", "<=", 1.3, "base")
    samples = {"ours": turns(12, 120, 24), "base": turns(10, 100, 20)}
    assert abs(reached(target, samples) - 1.2) < 1e-9
    assert met(target, 1.3) and not met(target, 1.31)
    assert not met(Target("", "rate", "ours", ">=", 1.4, "base"), 1.39)


def absent():
    """without one of the two there is no ratio, and nothing is met"""
    target = Target("", "cpu_us", "ours", "<=", 1.3, "base")
    assert reached(target, {"ours": turns(1)}) is None
    assert reached(target, {"base": turns(1)}) is None
    assert reached(Target("", "cpu_us", "ours", "<=", 9), {
        "ours": turns(7, 8, 9)}) == 8


def in_turns():
    """everyone has each turn once, and every round begins with another"""
    order = []

    def taker(name):
        return Contender(name, lambda count: order.append((name, count)) or
                         {"wall_us": 1.0})

    take_turns([taker("a"), taker("b"), taker("c")], 3, 1, 5, str)
    assert order == [(name, 5) for name in "abcbcacab"], order
    take_turns([], 3, 1, 5, str)


def calibrated():
    """so many operations fill the time, whether one is fast or slow"""
    for one_us, seconds, wanted in ((100, 0.4, 4000), (50000, 0.4, 8),
                                    (900000, 0.4, 4), (0.1, 0.4, 200000)):
        found = calibrate(Contender("", lambda _: {"wall_us": one_us}),
                          seconds)
        assert abs(found - wanted) <= 1, (one_us, found)


REPORT = {
    "machine": {"date": "2026-01-02T03:04:05Z", "system": "Debian",
                "kernel": "6.1", "processor": "cpu", "processors": 2,
                "memory_gib": 4, "load_before": 0.5,
                "versions": {"libpam0g": "1.5.2"}},
    "slots": [{
        "name": "pam", "title": "Title", "about": "About.", "base": "base",
        "plot": ["cpu_us", "CPU"], "columns": [["cpu_us", "CPU µs", "%.1f"],
                                               ["x", "only ours", "%d"]],
        "rounds": 3,
        "samples": {"base": turns(10, 9, 11),
                    "ours": [{"cpu_us": 25, "x": 7}]},
        "missing": {"other": "not here"},
        "targets": [{"words": "fast", "sense": "<=", "limit": 1.3,
                     "unit": " ×", "value": 2.5, "met": False},
                    {"words": "seen", "sense": ">=", "limit": 1,
                     "unit": "", "value": None, "met": None}]}]}


def tables():
    """the tables hold medians, ratios, who is missing, and each target"""
    for words in (report.text(REPORT), report.markdown(REPORT)):
        for part in ("Title", "10.0", "25.0", "2.50", "× base", "not here",
                     "NOT MET", "not measured", "≤ 1.3 ×", "fast"):
            assert part in words, (part, words)
    assert "| ours | 25.0 | 7 | 2.50 |\n" in report.markdown(REPORT)
    assert "| base | 10.0 | – | 1.00 |\n" in report.markdown(REPORT)


def no_base():
    """where the one to compare with is missing there is no ratio"""
    without = copy.deepcopy(REPORT)
    del without["slots"][0]["samples"]["base"]
    assert "× base" not in report.text(without)


def into_page():
    """--into writes between the marks, as often as it likes"""
    with tempfile.TemporaryDirectory() as folder:
        page = os.path.join(folder, "page.md")
        with open(page, "w") as file:
            file.write("a\n%s\nold\n%s\nb\n" % (report.BEGIN, report.END))
        for words in ("\\1 first", "second\n"):
            report.into(page, words)
            with open(page) as file:
                assert file.read() == "a\n%s\n\n%s\n%s\nb\n" % (
                    report.BEGIN, words, report.END)


def no_place():
    """a page without marks is refused and stays as it is"""
    with tempfile.NamedTemporaryFile("w+", suffix=".md") as page:
        page.write("a\n")
        page.flush()
        try:
            report.into(page.name, "words")
        except ValueError:
            pass
        else:
            raise AssertionError("not refused")
        with open(page.name) as file:
            assert file.read() == "a\n"


def plotted():
    """a plot has a bar for each who has the figure; names with quotes do no harm"""
    slot = copy.deepcopy(REPORT["slots"][0])
    slot["samples"] = {"no": [{"wall_us": 1}], "it's": turns(1, 2, 4)}
    words = report.script(slot, "out.svg")
    assert "'it''s' 0" in words and "\n0 2 1 4\n" in words, words
    assert "'no'" not in words, words


main([median_figures, per_operation, paired, absent, in_turns, calibrated,
      tables, no_base, into_page, no_place, plotted])
