"""Each experiment of the paper end to end, at a size that says nothing about networks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from real_builds import artifacts

from legonet import load

ROOT = Path(__file__).resolve().parents[1]
TOOL = ROOT / "tools" / "reproduction" / "reproduce.py"
SPECS = ROOT / "specs" / "paper"
TABLES = (1, 2, 3, 4)
MODULES = (
    "about",
    "experiments",
    "figure4",
    "figures",
    "held_out",
    "methods",
    "needed",
    "pages",
    "runs",
    "starts",
    "tuning",
)


@dataclass(frozen=True)
class Reproduced:
    """What `tools/reproduce all --scale tiny` left behind."""

    store: Path
    results: Path

    @property
    def runs(self) -> list[dict[str, Any]]:
        return json.loads((self.results / "results.json").read_text("utf-8"))

    def of(self, table: int, **wanted: Any) -> list[dict[str, Any]]:
        found = [run for run in self.runs if run["table"] == table]
        return [run for run in found if all(run[name] == wanted[name] for name in wanted)]


def reproduce(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Reproduced:
    folder = tmp_path_factory.mktemp("reproduced")
    # Workers of pytest have one store between them: each run is built by one of them.
    workers = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if workers else folder
    made = Reproduced(shared / "store-of-the-paper", folder / "results")
    folders = ("--store", made.store, "--results", made.results)
    done = reproduce("all", "--scale", "tiny", "--jobs", 2, *folders)
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("table", TABLES)
def test_every_run_is_in_the_results(reproduced: Reproduced, table: int) -> None:
    runs = reproduced.of(table)
    figure = "pixel_accuracy" if table == 4 else "error_rate"
    wanted = {"OL", "BD", "solve", "solve, then BD", "stitching", "transplant", "identity"}
    wanted |= {"TD"} if table == 4 else set()
    wanted |= {"stitching, then TD"} if table > 2 else set()
    assert wanted <= {run["method"] for run in runs}
    for run in runs:
        assert {"table", "scale", "category", "samples", "method", "seed", figure} <= set(run)
        assert {"teacher", "seconds", "device"} <= set(run)
        assert run["scale"] == "tiny"
        assert 0 <= run[figure] <= 1
        assert ("iou" in run) == (table == 4)
    ancestors = {run["ancestor"] for run in runs}
    assert ancestors == ({"common", "apart"} if table > 2 else {"common"})
    assert {run["unlabelled"] for run in runs if run["method"] == "transplant"} == {0, 20}
    page = (reproduced.results / f"table{table}.md").read_text("utf-8")
    assert "Partial" not in page
    assert f"{len(runs)} runs" in page


def test_an_adapter_in_one_network_needs_no_samples(reproduced: Reproduced) -> None:
    for run in reproduced.of(1, method="solve"):
        assert run["samples"] == 0
        assert run["unlabelled"] == 0
        assert run["error_rate"] == run["teacher"]


@pytest.mark.parametrize("table", TABLES)
def test_the_true_order_is_what_reordering_takes_away(reproduced: Reproduced, table: int) -> None:
    (true,) = reproduced.of(table, method="true order")
    (without,) = reproduced.of(table, method="identity")
    figure = "iou" if table == 4 else "error_rate"
    assert true[figure] != without[figure]
    if table < 3:  # nothing but the order lies between the two halves of one network
        assert true["error_rate"] == true["teacher"] < without["error_rate"]


@pytest.mark.parametrize("table", TABLES)
def test_frozen_modules_are_what_they_were(reproduced: Reproduced, table: int) -> None:
    spec = SPECS / f"table{table}.lego"
    words = ["build", str(spec), "--set", "scale=tiny", "--store", str(reproduced.store)]
    done = subprocess.run(
        [sys.executable, "-m", "legonet", *words, "--prove", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {edge["action"] for edge in report["edges"]} <= {"reused", "direct"}
    proof = report["proof"]
    assert proof["violations"] == []
    assert {network["status"] for network in proof["networks"]} == {"unchanged"}
    assert {path["status"] for path in proof["paths"]} == {"unchanged"}


def test_what_stands_is_not_built_again(reproduced: Reproduced, tmp_path: Path) -> None:
    before = artifacts(reproduced.store)
    runs = (reproduced.results / "results.json").read_bytes()
    arguments = ("--scale", "tiny", "--store", reproduced.store, "--results", tmp_path)
    done = reproduce("all", *arguments)
    assert done.returncode == 0, done.stderr
    assert artifacts(reproduced.store) == before
    assert (tmp_path / "results.json").read_bytes() == runs
    for name in ("table1.md", "table4.md", "figure4.md"):
        assert (tmp_path / name).read_bytes() == (reproduced.results / name).read_bytes()


def test_the_figure_can_be_drawn(reproduced: Reproduced) -> None:
    figure = ElementTree.parse(reproduced.results / "figure4_tiny.svg").getroot()
    words = {text.text for text in figure.iter("{http://www.w3.org/2000/svg}text")}
    assert {"teacher", "OL", "BD"} <= words
    assert "participation ratio" in (reproduced.results / "figure4.md").read_text("utf-8")


def test_half_a_store_gives_half_a_table(reproduced: Reproduced, tmp_path: Path) -> None:
    done = reproduce(
        "table1", "--report", "--scale", "tiny", "--store", tmp_path / "s", "--results", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "results.json").read_text("utf-8")) == []
    more_seeds = ("--seeds", 2, "--store", reproduced.store, "--results", tmp_path)
    done = reproduce("table1", "--report", "--scale", "tiny", *more_seeds)
    assert done.returncode == 0, done.stderr
    one_seed = len(reproduced.of(1))
    assert f"Partial: {one_seed} of {2 * one_seed} runs" in (tmp_path / "table1.md").read_text()


def test_data_that_are_missing_are_named(tmp_path: Path) -> None:
    done = reproduce("table1", "--data", tmp_path)
    assert done.returncode == 2
    assert "crops128/manifest.csv" in done.stderr


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(TOOL.parent))
    import pages

    yield pages
    for name in MODULES:
        sys.modules.pop(name, None)


def test_means_are_taken_over_categories_and_spreads_over_seeds(tool: Any) -> None:
    def run(
        category: str,
        seed: int,
        error: float,
        samples: int = 10,
        variant: str = "ordinary",
        unlabelled: int = 0,
    ) -> Any:
        which = (3, "small", category, samples, unlabelled, variant, seed)
        return tool.Run(*which, error, 0.1, None, None, 2.0, "CPU")

    runs = [run("cat", 0, 0.1), run("cow", 0, 0.3), run("cat", 1, 0.3), run("cow", 1, 0.5)]
    others = [
        run("cat", 0, 0.1, 100),
        run("cat", 0, 0.9, variant="apart_ordinary"),
        run("cat", 0, 0.8, variant="chosen"),
        run("cat", 0, 0.7, variant="chosen_unlabelled", unlabelled=200),
    ]
    written = tool.page(3, [*runs, *others], {})
    assert "| OL: labels, from a random start | 10.0 | 30.0 ± 14.1 | 2.0 |" in written
    assert "| OL: labels, from a random start | 10 | 20.0 ± 14.1 | 40.0 ± 14.1 |" in written
    apart = written.split("whose ancestor was trained apart*")[1].split("###")[0]
    assert "| OL: labels, from a random start | - | 90.0 | 2.0 |" in apart
    assert "| `transplant()`, as users get it | - | 80.0 | 2.0 |" in written
    more = "| `transplant()`, as users get it, 200 pictures without labels | - | 70.0 | 2.0 |"
    assert more in written


def test_the_page_says_what_was_reached(tool: Any) -> None:
    def run(variant: str, samples: int, error: float) -> Any:
        return tool.Run(
            3, "small", "cat", samples, 0, variant, 0, error, 0.1, None, None, 2.0, "CPU"
        )

    runs = [run("ordinary", 100, 0.12), run("ordinary", 10, 0.2), run("chosen", 10, 0.13)]
    written = tool.page(3, runs, {})
    assert "13.0 % at 10 samples, OL 12.0 % at 100 (needed: no worse): **not reached**" in written
    assert "0.65 of OL's error at 10 samples (needed: at most 0.6): **not reached**" in written
    better = tool.page(3, [*runs[:2], run("chosen", 10, 0.12)], {})
    assert "not reached" not in better


def test_a_gain_is_held_against_what_the_teachers_have(tool: Any) -> None:
    def run(variant: str, accuracy: float) -> Any:
        which = (4, "small", "cat", 10, 0, variant, 0)
        return tool.Run(*which, accuracy, 0.85, 0.4, 0.5, 2.0, "CPU")

    written = tool.page(4, [run("ordinary", 0.78), run("chosen", 0.82)], {})
    assert "The teachers themselves: +7.0 points over OL at 10 samples." in written
    assert "+4.0 points of pixel accuracy over OL at 10 samples (needed: at least 5)" in written


def test_nothing_is_tuned_on_test_pictures(tool: Any, tmp_path: Path) -> None:
    from held_out import write_held_out

    heads = "path,mask_path,category,split,source,original_id"
    for name in ("crops128", "animals"):
        (tmp_path / "data" / name / "images").mkdir(parents=True)
        rows = [
            f"images/{number}_{part}.jpg,,cat,{'test' if number % 2 else 'train'},voc,{number}"
            for number in range(20)
            for part in range(2)
        ]
        (tmp_path / "data" / name / "manifest.csv").write_text("\n".join([heads, *rows]))
    write_held_out(tmp_path / "data", tmp_path / "held_out")
    lines = (tmp_path / "held_out" / "crops128" / "manifest.csv").read_text().splitlines()[1:]
    split = {line.split(",")[0]: line.split(",")[3] for line in lines}
    assert all((tmp_path / "held_out" / "crops128" / name).parent.exists() for name in split)
    numbers = {name: int(Path(name).name.split("_")[0]) for name in split}
    assert all(number % 2 == 0 for number in numbers.values()), "a test picture"
    sides = {(number, split[name]) for name, number in numbers.items()}
    assert len(sides) == 10, "a picture on both sides"
    assert sum(side == "test" for _, side in sides) == 2


@pytest.mark.parametrize("name", ["tuning", "starts"])
def test_what_is_decided_learns_from_held_out_pictures_alone(name: str) -> None:
    adapters = load(SPECS / f"{name}.lego").spec.adapters.values()
    assert adapters
    for adapter in adapters:
        assert adapter.learning is not None
        assert adapter.learning.data in ("held_out_crops", "held_out_scenes")


def test_every_start_has_its_place_on_the_page(tool: Any) -> None:
    import starts

    for adapter in load(SPECS / "starts.lego").spec.adapters.values():
        match = starts.NAME.fullmatch(adapter.category)
        assert match is not None, adapter.category
        assert match["goal"] in starts.GOALS
        assert match["method"] in starts.METHODS
        assert (match["unlabelled"] is not None, int(match["samples"])) in starts.COLUMNS
        assert bool(adapter.learning.unlabelled) == (match["unlabelled"] is not None)
        assert adapter.learning.samples == int(match["samples"])


def test_the_page_about_starts_has_means_over_animals(tool: Any) -> None:
    import starts

    def step(category: str, correlation: float, **metrics: float) -> Any:
        learned = {"ancestor_r2": 0.9, "matched_correlation": correlation}
        artifact = SimpleNamespace(metrics=metrics, certificate={"learned": learned})
        return SimpleNamespace(adapter=SimpleNamespace(category=category), artifact=artifact)

    edges = [
        step("cat_classify_0_maps_0", 0.6, error_rate=0.1),
        step("cow_classify_0_maps_0", 0.7, error_rate=0.3),
        step("cat_classify_1_maps_0", 0.8, error_rate=0.4),
        step("cat_outline_0_from_stitched_unlabelled_10", 0.1, pixel_accuracy=0.9),
    ]
    unbuilt = SimpleNamespace(adapter=edges[0].adapter, artifact=None)
    experiment = SimpleNamespace(scale="small", plan=SimpleNamespace(edges=[*edges, unbuilt]))
    page = starts.starts_page(experiment)
    maps = "| classification, error rate | `least_squares` through the teacher's maps |"
    assert f"{maps} 30.0 ± 14.1 | - | - | - |" in page
    outlines = "| segmentation, share of wrong pixels | TD from `stitching` |"
    assert f"{outlines} - | - | - | 10.0 |" in page
    assert "matched channels 0.60 to 0.80" in page
