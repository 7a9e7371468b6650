"""Runs the paper's experiments and writes what they show: ``tools/reproduce all --data DIR``."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from about import about, read_about, write_about
from experiments import ROOT, SCALES, Experiment
from held_out import FOLDERS, write_held_out
from pages import page
from runs import in_order, read_runs, runs_of, write_runs
from starts import starts_page
from tuning import tuning_page

TABLES = {f"table{number}": number for number in (1, 2, 3, 4)}

ON_TRAINING_PICTURES = {"tuning": tuning_page, "starts": starts_page}
"""What is decided without test pictures, and the page about it."""

RESULTS = ROOT / "docs" / "results"

FAILED = 3
"""The exit code of a build in which a step failed; above it, the build was stopped."""

STORES = ROOT / ".reproduction"


def main() -> int:
    """Build what is missing, write the pages of what stands, and return an exit code."""
    chosen = _arguments()
    store = chosen.store or STORES / chosen.scale
    results = chosen.results or (store / "results" if chosen.scale == "tiny" else RESULTS)
    options = [
        *(["--device", chosen.device] if chosen.device else []),
        *(["--jobs", str(chosen.jobs)] if chosen.jobs else []),
    ]
    wanted = [*TABLES, "figure4"] if chosen.what == "all" else [chosen.what]
    worst = 0
    for name in wanted:
        spec = "table3" if name == "figure4" else name
        experiment = Experiment.of(spec, chosen.scale, chosen.data, chosen.seeds, store)
        if name in ON_TRAINING_PICTURES:
            experiment = _held_out(experiment, chosen.data)
        code = 0 if chosen.report else experiment.build(options)
        _write(name, experiment, results)
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


def _write(name: str, experiment: Experiment, results: Path) -> None:
    """Write what stands of an experiment; what else was there stays."""
    results.mkdir(parents=True, exist_ok=True)
    if name in ON_TRAINING_PICTURES:
        words = ON_TRAINING_PICTURES[name](experiment)
        (results / f"{name}.md").write_text(words, "utf-8")
    elif name == "figure4":
        _write_figure(experiment, results)
    else:
        _write_table(TABLES[name], experiment, results)


def _write_table(table: int, experiment: Experiment, results: Path) -> None:
    own = list(runs_of(experiment.plan, table, experiment.scale))
    others = [
        run
        for run in read_runs(results / "results.json")
        if (run.table, run.scale) != (table, experiment.scale)
    ]
    runs = sorted([*own, *others], key=in_order)
    known = read_about(results / "about.json")
    known[f"{experiment.scale}/table{table}"] = about(experiment)
    write_runs(results / "results.json", runs)
    write_about(results / "about.json", known)
    (results / f"table{table}.md").write_text(page(table, runs, known), "utf-8")
    whole = known[f"{experiment.scale}/table{table}"]["edges"]
    print(f"{len(own)} of {whole} runs stand: {results}/table{table}.md")


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
    parser.add_argument("what", choices=[*TABLES, "figure4", "all", *ON_TRAINING_PICTURES])
    parser.add_argument("--data", type=Path, help="the folder with the pictures")
    parser.add_argument("--scale", choices=SCALES, default="small", help="of the networks")
    parser.add_argument("--seeds", type=int, help="how many, from 0; 3 unless said")
    parser.add_argument("--device", help="where torch computes: cpu, cuda or cuda:N")
    parser.add_argument("--jobs", type=int, help="networks and edges at once")
    parser.add_argument("--store", type=Path, help="where built things live; .reproduction/SCALE")
    parser.add_argument("--results", type=Path, help="where pages go; docs/results")
    parser.add_argument(
        "--report", action="store_true", help="build nothing, write the pages of what stands"
    )
    chosen = parser.parse_args()
    if chosen.scale != "tiny":
        _check_data(parser, chosen.data)
    elif chosen.what in ON_TRAINING_PICTURES:
        parser.error(f"the tiny scale has no pictures for `{chosen.what}`")
    return chosen


def _check_data(parser: argparse.ArgumentParser, data: Path | None) -> None:
    needed = [*(f"{folder}/manifest.csv" for folder in FOLDERS), "cifar10_jpeg.npz"]
    if data is None:
        parser.error(f"--data DIR is needed, a folder with {', '.join(needed)}")
    missing = [name for name in needed if not (data / name).is_file()]
    if missing:
        parser.error(f"`{data}` has no {', '.join(missing)}")


if __name__ == "__main__":
    raise SystemExit(main())
