"""Results to JSON and back, to Markdown and to pictures."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.check import against_committed
from bench.contestant import Contestant
from bench.plot import bars
from bench.report import between, markdown, verdicts
from bench.results import KEPT_UP, Metric, Result, Verdict, table
from bench.rounds import Samples

CONTESTANTS = [Contestant("Millrace", (), "1", "ours"), Contestant("Slow & <old>", (), "2")]


def result(ours: float) -> Result:
    """One table with two contestants."""
    samples = Samples()
    for value in (ours - 1, ours + 1):
        samples.add("Millrace", {"view": {"cpu_us": value}})
        samples.add("Slow & <old>", {"view": {"cpu_us": 100.0}})
    found = table("view", "A view", (Metric("cpu_us", "CPU"),), CONTESTANTS, samples)
    ratio = found.ratio("Millrace", "Slow & <old>", "cpu_us")
    return Result("json", "a view", "about", 1, {"CPU": "one"}, [found], [Verdict("ratio", 1.0, ratio)])


def test_results_survive_being_saved(tmp_path: Path) -> None:
    """As far as they are rounded: five digits."""
    path = result(50).save(tmp_path)
    assert Result.load(path).tables[0].rows[0].figures["cpu_us"].median == 50
    assert Result.load(path).verdicts == [Verdict("ratio", 1.0, 0.5)]


def test_the_table_is_ordered_by_its_headline() -> None:
    """Cheapest first, ours in bold, with the range."""
    lines = markdown(result(50).tables[0]).splitlines()
    assert lines[2] == "| **Millrace** | 50 (49-51) | 1 |"
    assert lines[3] == "| Slow & <old> | 100 (100-100) | 2 |"


def test_latencies_of_a_contestant_that_did_not_keep_up_are_marked() -> None:
    """They say how long the measurement was, not how slow it is."""
    samples = Samples()
    samples.add("Millrace", {"view": {"cpu_us": 1.0, KEPT_UP: 0.0}})
    late = table("view", "A view", (Metric("cpu_us", "CPU"),), CONTESTANTS, samples)
    assert "| 1; did not keep up with the arrival rate |" in markdown(late)
    assert "keep up" not in markdown(result(50).tables[0])


def test_a_missed_target_is_told() -> None:
    """And one that was not measured is missed."""
    text = verdicts([("json", Verdict("a", 1.0, 2.0)), ("json", Verdict("b", 1.0, None))])
    assert "| a | ≤ 1 | 2 | **missed** |" in text
    assert "| b | ≤ 1 | not measured | **missed** |" in text


def test_only_what_is_between_the_markers_changes() -> None:
    """And a document without markers is an error."""
    text = "before\n<!-- bench:json -->\nold\n<!-- /bench:json -->\nafter\n"
    assert between(text, "json", "new\n") == "before\n<!-- bench:json -->\nnew\n<!-- /bench:json -->\nafter\n"
    with pytest.raises(ValueError, match="bench:rows"):
        between(text, "rows", "new")


def test_the_plot_is_well_formed() -> None:
    """A bar a contestant, names escaped."""
    root = ElementTree.fromstring(bars(result(50).tables[0]))  # noqa: S314 - our own picture
    names = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Slow & <old>" in names
    # One is the paper.
    assert len(list(root.iter("{http://www.w3.org/2000/svg}rect"))) == 3


def test_a_regression_is_a_ratio_that_grew_beyond_the_tolerance(tmp_path: Path) -> None:
    """A committed result is what it is compared with."""
    result(50).save(tmp_path)
    assert "fine" in against_committed([result(60)], tmp_path)
    assert "REGRESSION" in against_committed([result(70)], tmp_path)
    assert "nothing committed" in against_committed([result(70)], tmp_path / "empty")
