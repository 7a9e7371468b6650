from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = ("networks", "edges", "variants", "report")


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools/studies"))
    import report as module

    yield module
    for name in MODULES:
        sys.modules.pop(name, None)


def test_tables_are_what_the_single_runs_say(report, tmp_path):
    page = (ROOT / "docs/measurements.md").read_text("utf-8")
    (tmp_path / "measurements.md").write_text(page, "utf-8")
    runs = (ROOT / "docs/measurements.json").read_text("utf-8")
    known = json.loads(runs)
    report.write_report(
        tmp_path, [report.Run(**run) for run in known["runs"]], known["networks"], known["machine"]
    )
    assert (tmp_path / "measurements.md").read_text("utf-8") == page
    assert (tmp_path / "measurements.json").read_text("utf-8") == runs
    assert len(known["runs"]) > 100


def test_last_run_of_a_variant_on_an_edge_counts(report, tmp_path):
    def run(error, animal="cat", variant="transplant"):
        return report.Run("old", "own", variant, "A", 0, animal, True, error, error, 0.04, 1.0)

    runs = [run(0.5), run(0.1), run(0.2, "deer"), run(0.3, variant="a method of old")]
    report.write_report(tmp_path, runs, {"cat-32-0": 0.05})
    page = (tmp_path / "measurements.md").read_text("utf-8")
    assert "| transplant | 15.0 ± 7.1 (2) | - | - | 1.0 |" in page
    assert "a method of old" not in page
    assert len(json.loads((tmp_path / "measurements.json").read_text("utf-8"))["runs"]) == 2
