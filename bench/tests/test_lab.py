"""The laboratory's accounting: what an answer counts as, and what is written."""

from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest

from bench.errors import WrongAnswer
from bench.figures import Figure
from bench.lab import kept, report
from bench.lab.claims import claims
from bench.lab.scenarios import SCENARIOS
from bench.lab.tally import Tally
from bench.load.wire import Request, Response
from bench.results import Row, Table

REQUEST = Request(b"")


def answer(status: int, *legs: str, partial: bool = False, ms: float = 1) -> Response:
    """One of the api's."""
    found = {str(number): {"status": leg} for number, leg in enumerate(legs)}
    meta = {"partial": partial, "ms": ms, "deadline_ms": 800, "legs": found}
    return Response(status, b"", msgspec.json.encode({"meta": meta}))


def test_answers_are_told_apart() -> None:
    """By their status, and by those of their legs."""
    tally = Tally()
    tally(REQUEST, answer(200, "ok", "ok", ms=810))
    tally(REQUEST, answer(200, "ok", "stale"))
    tally(REQUEST, answer(200, "ok", "open", partial=True))
    tally(REQUEST, answer(503, "error", "error", partial=True))
    assert dict(tally.kinds) == {"whole": 1, "stale": 1, "partial": 1, "failed": 1}
    assert (tally.over_ms, len(tally.arrived)) == (10, 4)


def test_any_other_answer_ends_the_run() -> None:
    """A figure for it would be worth nothing."""
    with pytest.raises(WrongAnswer):
        Tally()(REQUEST, answer(500))


def measured(**figures: float) -> dict[str, Table]:
    """Every scenario, with the same figures for each variant."""
    all_figures = dict.fromkeys(
        ("success", "stale", "failed", "p50_ms", "p99_ms", "worst_ms", "load", "requests", "over_ms"), 1.0
    )
    row = {key: Figure.of([value]) for key, value in (all_figures | figures).items()}
    return {
        scenario.name: Table(
            scenario.name,
            scenario.title,
            report.PLOTTED,
            [Row(variant.name, "", variant.kind, row) for variant in scenario.variants],
        )
        for scenario in SCENARIOS
    }


def test_every_claim_is_about_a_variant_that_is_run() -> None:
    """A renamed variant would otherwise be a claim that nobody measures."""
    assert all(verdict.measured is not None for _, verdict in claims(measured()))
    assert all(verdict.measured is None for _, verdict in claims({}))


def test_the_document_has_a_place_for_everything(tmp_path: Path) -> None:
    """Each scenario's table and plot, and the claims."""
    document, images = tmp_path / "gather.md", tmp_path / "images"
    document.write_text(report.DOCUMENT.read_text())
    report.write(SCENARIOS, measured(p99_ms=1234.5), document, images)
    text = document.read_text()
    for scenario in SCENARIOS:
        ElementTree.parse(images / report.image(scenario))  # noqa: S314 - our own
        between = text.split(f"<!-- lab:{scenario.name} -->")[1].split(f"<!-- /lab:{scenario.name} -->")[0]
        assert f"images/{report.image(scenario)}" in between
        assert between.count("| 1,234 |") == len(scenario.variants)
    assert "outage: attempts" in text


def test_what_was_not_run_stays(tmp_path: Path) -> None:
    """One scenario rewrites its own part."""
    document = tmp_path / "gather.md"
    document.write_text("<!-- lab:tail -->\nold\n<!-- /lab:tail -->\n<!-- lab:herd -->\nold\n<!-- /lab:herd -->\n")
    found = {"herd": measured()["herd"]}
    report.write(SCENARIOS, found, document, tmp_path / "images")
    assert document.read_text().startswith("<!-- lab:tail -->\nold\n")
    assert document.read_text().count("old") == 1


def test_the_last_run_of_each_scenario_is_kept(tmp_path: Path) -> None:
    """So that a run of some is judged together with the others; a new one replaces the old."""
    for table in measured(load=1).values():
        kept.save(table, tmp_path)
    kept.save(measured(load=2)["tail"], tmp_path)
    found = kept.load(tmp_path)
    assert set(found) == {scenario.name for scenario in SCENARIOS}
    assert found["tail"].median("all on", "load") == 2
    assert found["hang"] == measured(load=1)["hang"]
