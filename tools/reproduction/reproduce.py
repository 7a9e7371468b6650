"""Runs the paper's experiments and writes what they show: ``tools/reproduce all --data DIR``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from about import about, add_about, read_about, write_about
from experiments import REAL_NETWORKS, ROOT, SCALES, Experiment
from held_out import FOLDERS, write_held_out
from pages import page
from readings import readings_page
from real_networks import TABLES as TABLES_OF_REAL_NETWORKS
from real_networks import real_networks_page
from runs import Run, in_order, read_runs, runs_of, write_runs
from starts import starts_page
from tuning import tuning_page

TABLES = {f"table{number}": number for number in (1, 2, 3, 4)}

ON_TRAINING_PICTURES = {
    "tuning": tuning_page,
    "readings": readings_page,
    "starts": starts_page,
}
"""What is decided without test pictures, and the page about it."""

WEIGHTS = tuple(f"weights/tf_efficientnet_lite{number}.safetensors" for number in (0, 1))
"""What the scale with ready weights needs below the folder with the pictures."""

RESULTS = ROOT / "docs" / "results"

FAILED = 3
"""The exit code of a build in which a step failed; above it, the build was stopped."""

STORES = ROOT / ".reproduction"


def main() -> int:
    """Build what is missing, write the pages of what is built, and return an exit code."""
    chosen = _arguments()
    store = chosen.store or STORES / chosen.scale
    results = chosen.results or (store / "results" if chosen.scale == "tiny" else RESULTS)
    if chosen.what == "pages":
        _write_pages(results)
        return 0
    options = [
        *(["--device", chosen.device] if chosen.device else []),
        *(["--jobs", str(chosen.jobs)] if chosen.jobs else []),
    ]
    whole = [*TABLES_OF_REAL_NETWORKS] if chosen.scale == REAL_NETWORKS else [*TABLES, "figure4"]
    wanted = whole if chosen.what == "all" else [chosen.what]
    worst = 0
    for name in wanted:
        spec = "table3" if name == "figure4" else name
        experiment = Experiment.of(
            spec, chosen.scale, chosen.data, _seeds(chosen), store, chosen.set
        )
        if name in ON_TRAINING_PICTURES:
            experiment = _held_out(experiment, chosen.data)
        code = 0 if chosen.report else experiment.build(options)
        if code == FAILED and not experiment.plan.to_build:
            # All of it is built. A run that is no better than chance is a result like any other.
            code = 0
        _write(name, experiment, results, chosen.seed)
        worst = max(worst, code)
        if code > FAILED:
            break
    return worst


def _held_out(experiment: Experiment, data: Path) -> Experiment:
    """Return the experiment on training pictures that are split once more."""
    folder = (experiment.store / "held_out").resolve()
    write_held_out(data.resolve(), folder)
    setting = f"held_out={json.dumps(str(folder))}"
    return replace(experiment, settings=(*experiment.settings, setting))


def _seeds(chosen: argparse.Namespace) -> Sequence[int] | None:
    """Return the seeds that are asked for; None for those of the spec."""
    if chosen.seed:
        return sorted(set(chosen.seed))
    return None if chosen.seeds is None else range(chosen.seeds)


def _write(name: str, experiment: Experiment, results: Path, seeds: Sequence[int] | None) -> None:
    """Write what is built of an experiment; everything else stays.

    Args:
        name: Of the experiment.
        experiment: The experiment.
        results: Where pages go.
        seeds: The seeds that it has alone: runs of others stay, too. None for all seeds.
    """
    results.mkdir(parents=True, exist_ok=True)
    if name in ON_TRAINING_PICTURES:
        if not any(step.artifact for step in experiment.plan.edges):
            print(f"nothing is built yet that {name}.md shows")
            return
        words = ON_TRAINING_PICTURES[name](experiment)
        (results / f"{name}.md").write_text(words, "utf-8")
    elif name == "figure4":
        _write_figure(experiment, results)
    else:
        _write_table(name, experiment, results, seeds)


def _write_table(
    name: str, experiment: Experiment, results: Path, seeds: Sequence[int] | None
) -> None:
    tables = TABLES_OF_REAL_NETWORKS if experiment.scale == REAL_NETWORKS else TABLES
    table, looked = tables[name], name == "unreadable"
    own = list(runs_of(experiment.plan, table, experiment.scale))
    others = [
        run
        for run in read_runs(results / "results.json")
        if (run.table, run.scale, bool(run.look)) != (table, experiment.scale, looked)
        or (seeds and run.seed not in seeds)
    ]
    known = read_about(results / "about.json")
    whole = about(experiment)
    add_about(known, f"{experiment.scale}/{name}", whole, seeds)
    write_runs(results / "results.json", sorted([*own, *others], key=in_order))
    write_about(results / "about.json", known)
    written = _write_pages(results, experiment.scale, table)
    print(f"{len(own)} of {whole['edges']} runs are built: {', '.join(map(str, written))}")


def _write_pages(results: Path, scale: str | None = None, table: int | None = None) -> list[Path]:
    """Write pages from ``results.json`` and ``about.json`` alone, and return their files.

    Args:
        results: The folder.
        scale: The one whose runs are new; all of them unless given.
        table: The one whose runs are new; all of them unless given.
    """
    runs, known = read_runs(results / "results.json"), read_about(results / "about.json")
    pages = dict(_pages(runs, known, scale, table))
    for name, words in pages.items():
        (results / name).write_text(words, "utf-8")
    return [results / name for name in pages]


def _pages(
    runs: list[Run], known: dict[str, Any], scale: str | None, table: int | None
) -> Iterator[tuple[str, str]]:
    if scale in (None, REAL_NETWORKS):
        yield f"{REAL_NETWORKS}.md", real_networks_page(runs, known)
    if scale != REAL_NETWORKS:
        for number in [table] if table else TABLES.values():
            yield f"table{number}.md", page(number, runs, known)


def _write_figure(experiment: Experiment, results: Path) -> None:
    # Torch is needed for the figure alone.
    from figure4 import clouds_of, drawn, words_about

    clouds = list(clouds_of(experiment))
    if not clouds:
        print("nothing is built yet that figure 4 shows")
        return
    (results / f"figure4_{experiment.scale}.svg").write_text(drawn(clouds), "utf-8")
    (results / "figure4.md").write_text(words_about(clouds, experiment.scale), "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/reproduce", description=__doc__)
    names = [*TABLES, "figure4", "unreadable", "all", *ON_TRAINING_PICTURES]
    parser.add_argument(
        "what",
        choices=[*names, "pages"],
        help="what to build; `pages` builds nothing, and writes the pages again from results.json",
    )
    parser.add_argument("--data", type=Path, help="the folder with the pictures")
    parser.add_argument("--scale", choices=SCALES, default="small", help="of the networks")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seeds", type=int, help="how many, from 0; 3 by default")
    which.add_argument(
        "--seed",
        type=int,
        nargs="+",
        help="these alone; runs of other seeds that results.json has stay in it",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the specs, such as 'labels=[]' for the rows without labels alone",
    )
    parser.add_argument("--device", help="where torch computes: cpu, cuda or cuda:N")
    parser.add_argument("--jobs", type=int, help="networks and edges at once")
    parser.add_argument("--store", type=Path, help="where built things live; .reproduction/SCALE")
    parser.add_argument("--results", type=Path, help="where pages go; docs/results")
    parser.add_argument(
        "--report", action="store_true", help="build nothing, write the pages of what is built"
    )
    chosen = parser.parse_args()
    if chosen.what == "pages":
        return chosen
    own = [*TABLES_OF_REAL_NETWORKS, "all"]
    if (chosen.scale == REAL_NETWORKS and chosen.what not in own) or (
        chosen.scale != REAL_NETWORKS and chosen.what == "unreadable"
    ):
        parser.error(f"the {chosen.scale} scale has no `{chosen.what}`")
    if chosen.scale == REAL_NETWORKS:
        _check_data(parser, chosen.data, WEIGHTS)
    elif chosen.scale != "tiny":
        _check_data(parser, chosen.data, ("cifar10_jpeg.npz",))
    elif chosen.what in ON_TRAINING_PICTURES:
        parser.error(f"the tiny scale has no pictures for `{chosen.what}`")
    return chosen


def _check_data(parser: argparse.ArgumentParser, data: Path | None, files: tuple[str, ...]) -> None:
    needed = [*(f"{folder}/manifest.csv" for folder in FOLDERS), *files]
    if data is None:
        parser.error(f"--data DIR is needed, a folder with {', '.join(needed)}")
    missing = [name for name in needed if not (data / name).is_file()]
    if missing:
        parser.error(f"`{data}` has no {', '.join(missing)}")


if __name__ == "__main__":
    raise SystemExit(main())
