"""Tries models with everything that legonet does: ``tools/survey``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from models import MODELS, Surveyed
from PIL import Image
from safetensors.torch import save_file

import legonet
from legonet import ModuleGraph, TransplantNetwork, Workspace
from legonet.building.execution.resources import Resources
from legonet.building.planning.cuts import Cut, network_cuts
from legonet.building.planning.shapes import check_shapes
from legonet.diagnostics import DiagnosticError
from legonet.graph.load import of_model
from legonet.language.models import Model
from legonet.modules.inputs import convert_input, input_of
from legonet.modules.models import instantiate

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "networks.md"
RECORDS = ROOT / "docs" / "networks.json"
"""What came of each model; another run tries those that are missing."""

METHODS = {
    "stitching": "stitching()",
    "transplant": "transplant(steps: 2)",
    "output distillation": "output_distillation(steps: 2)",
    "ordinary learning": "ordinary_learning(steps: 2)",
    "back-distillation": "back_distillation(steps: 2)",
}
"""The methods, by what their columns are called."""

FILES = {"pt2": "path.pt2", "onnx": "path.onnx", "bundle": "path.safetensors"}
"""The export formats, and a file of each."""

COLUMNS = ("direct", *METHODS, "predict", *FILES, "picture")

YES = "✓"


@dataclass
class Row:
    """What came of one model.

    Args:
        model: The model.
        cut: Where it was cut; None where it cannot be.
        cuts: How many cuts there are.
        found: For each column, `YES` or the code of what stands in the way.
        seconds: How long all of it took.
        reasons: The messages behind the codes.
    """

    model: Surveyed
    cut: Cut | None = None
    cuts: int = 0
    found: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    reasons: dict[str, str] = field(default_factory=dict)

    def try_(self, column: str, act: Callable[[], object]) -> bool:
        """Do something, and note whether it worked."""
        try:
            act()
        except DiagnosticError as error:
            self.note(column, error)
            return False
        self.found[column] = YES
        return True

    def note(self, column: str, error: DiagnosticError) -> None:
        """Note what stands in the way."""
        first = error.diagnostics[0]
        self.found[column] = first.code
        self.reasons[column] = first.message


def survey(model: Surveyed, folder: Path) -> Row:
    """Try everything with a model.

    Args:
        model: The model.
        folder: An empty folder.
    """
    started = time.perf_counter()
    row = Row(model)
    row.try_("cut", lambda: _choose(row, folder))
    if row.cut is not None:
        _pictures(folder / "pictures", model.size)
        _weights(row, folder)
        _edges(row, folder)
    row.seconds = time.perf_counter() - started
    return row


def _choose(row: Row, folder: Path) -> None:
    """Choose the cut that is nearest to the middle of the network's layers."""
    found = network_cuts(_model(row.model, folder), row.model.size)
    row.cuts = len(found)
    row.cut = min(found, key=lambda cut: abs(cut.point.layers[0] - cut.point.layers[1]))


def _model(model: Surveyed, folder: Path) -> Model:
    graph, mistakes = of_model(model.model(folder))
    if mistakes:
        raise DiagnosticError(*mistakes)
    return graph.spec.networks["model"].model


def _pictures(folder: Path, size: int) -> None:
    """Draw pictures of discs and of noise, with masks."""
    drawn = np.random.default_rng(0)
    places = np.indices((size, size)) - size / 2
    lines = ["path,mask_path,category,split"]
    folder.mkdir()
    for split, count in (("train", 12), ("test", 6)):
        for number in range(count):
            for category in ("disc", "background"):
                pixels = drawn.integers(0, 256, (size, size, 3), np.uint8)
                radius = drawn.uniform(size / 5, size / 2.2)
                inside = (places**2).sum(0) < radius**2 if category == "disc" else None
                if inside is not None:
                    pixels[inside] = drawn.integers(150, 256, 3)
                name = f"{split}_{category}_{number}.png"
                Image.fromarray(pixels).save(folder / name)
                mask = ""
                if inside is not None:
                    mask = f"mask_{name}"
                    Image.fromarray((inside * 255).astype(np.uint8)).save(folder / mask)
                lines.append(f"{name},{mask},{category},{split}")
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")


def _weights(row: Row, folder: Path) -> None:
    """Write weights for two networks, of different seeds."""
    for seed in (0, 1):
        network = instantiate(_model(row.model, folder), seed=seed)
        save_file(network.state_dict(), folder / f"net_{seed}.safetensors")


def _spec(row: Row, folder: Path, methods: Mapping[str, str]) -> Path:
    """Write a spec that joins both networks by each of some methods, and one with itself."""
    assert row.cut is not None
    model, cut = row.model, row.cut.point.name
    lines = [
        *("data pictures {", '  source: manifest("pictures")', f"  size: {model.size}", "}"),
        *("for seed in [0, 1] {", "  network net_${seed} {", f"    model: {model.model(folder)}"),
        *('    weights: "net_${seed}.safetensors"', "  }", "}"),
        f'category disc {{ from: net_1, until: "{cut}" }}',
        f'task direct {{ from: net_1, after: "{cut}" }}',
        "adapter disc -> direct",
        "path direct_path = disc -> direct",
    ]
    for name, method in methods.items():
        task = _task(name)
        body = f"data: pictures, samples: 8, unlabelled: 8, method: {method}"
        lines += [
            f'task {task} {{ from: net_0, after: "{cut}" }}',
            f"adapter disc -> {task} {{ {body} }}",
            f"path {task}_path = disc -> {task}",
        ]
    spec = folder / "spec.lego"
    spec.write_text("\n".join(lines) + "\n")
    return spec


def _task(column: str) -> str:
    return column.replace(" ", "_").replace("-", "_")


def _edges(row: Row, folder: Path) -> None:
    """Build the edges, and use what was built."""
    graph = legonet.load(_spec(row, folder, METHODS))
    fitting = {name: method for name, method in METHODS.items() if _fits(row, graph, name)}
    if not _fits(row, graph, "direct"):
        return
    spec = _spec(row, folder, fitting)
    workspace = Workspace(spec)
    plan = workspace.plan(legonet.load(spec))
    for result in workspace.build(plan, resources=Resources()).edges:
        column = next(name for name in COLUMNS if _task(name) == result.step.edge.task)
        codes = [item.code for item in result.diagnostics]
        # Edges of random networks are no better than chance: they fail, and are kept.
        row.found[column] = YES if result.artifact or not codes else codes[0]
        if row.found[column] != YES:
            row.reasons[column] = result.diagnostics[0].message
    learned = "stitching" if row.found.get("stitching") == YES else "direct"
    _use(row, TransplantNetwork.open(spec), folder, learned)


def _fits(row: Row, graph: ModuleGraph, column: str) -> bool:
    """Return whether an edge passes the check, and note why not."""
    found = check_shapes(graph, (), {("disc", _task(column))})
    if found:
        row.note(column, DiagnosticError(*found))
    return not found


def _use(row: Row, network: TransplantNetwork, folder: Path, column: str) -> None:
    """Predict, export and draw."""
    pictures = torch.randn(3, 3, row.model.size, row.model.size)
    declared = network.graph.spec.networks["net_1"]
    whole = instantiate(declared.model, seed=1)
    whole = convert_input(whole, input_of(declared, whole, None))
    with torch.no_grad():
        own = network(pictures, category="disc", task="direct")
        if not torch.allclose(own, whole(pictures), atol=1e-4, rtol=1e-3):
            row.found["direct"] = "**wrong**"
    name = f"{_task(column)}_path"
    row.try_("predict", lambda: network.predict(folder / "pictures", paths=name))
    for kind, file in FILES.items():
        row.try_(kind, lambda file=file: network.export(name, folder / file))
    row.try_("picture", lambda: legonet.draw(network, folder / "picture.svg"))


def record(row: Row) -> dict[str, Any]:
    """Return what came of a model as values of JSON."""
    return {
        "cut": row.cut.point.name if row.cut else None,
        "features": row.cut.point.layout.words if row.cut else "",
        "cuts": row.cuts,
        "found": row.found,
        "reasons": row.reasons,
        "seconds": round(row.seconds, 1),
        "versions": {row.model.library: version(row.model.library), "torch": version("torch")},
    }


def named(model: Surveyed) -> str:
    """Return what a model is called in the records."""
    return f"{model.call}({model.arguments})" if model.arguments else model.call


def table(records: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of a table, a row for each model that was tried."""
    heads = ("model", "pictures", "cut after", "features", "cuts", *COLUMNS)
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for model in MODELS:
        found = records.get(named(model))
        if found is None:
            continue
        cells = (
            *(f"`{named(model)}`", str(model.size)),
            f"`{found['cut']}`" if found["cut"] else found["found"]["cut"],
            *(found["features"], str(found["cuts"] or "")),
            *(found["found"].get(column, "") for column in COLUMNS),
        )
        yield f"| {' | '.join(cells)} |"


def page(records: Mapping[str, dict[str, Any]]) -> str:
    """Return the page about all models that were tried."""
    tried = [model for model in MODELS if named(model) in records]
    versions: dict[str, set[str]] = {}
    for model in tried:
        for name, found in records[named(model)]["versions"].items():
            versions.setdefault(name, set()).add(found)
    with_versions = ", ".join(
        f"{name} {' and '.join(sorted(found))}" for name, found in sorted(versions.items())
    )
    libraries = ", ".join(dict.fromkeys(model.library for model in tried))
    so_far = f"{len(tried)} of the {len(MODELS)} on the list so far"
    count = so_far if len(tried) < len(MODELS) else f"{len(tried)} of them"
    about = (
        f"Models of {libraries}, with small pictures and random weights: {count}. Each is cut "
        "near the middle of its layers. Its bottom is joined with its own top (*direct*: the "
        "answers must be those of the whole network) and, by every method, with the top of a "
        "second network. One of these paths answers about pictures, is exported to each format, "
        "whose answers are compared with those of the network, and is drawn."
    )
    legend = (
        f"{YES}: it works. A code says what stands in the way; [diagnostics.md](diagnostics.md) "
        "says what it means. *cuts*: the number of modules after which the network can be cut; "
        "`legonet cuts` lists them."
    )
    made = f"`tools/survey` made this page, with {with_versions}."
    lines = ["# Networks that were tried", "", made, "", about, "", legend, "", *table(records), ""]
    reasons = [
        f"- `{model.call}`, {column}: {records[named(model)]['found'][column]}, {reason}"
        for model in tried
        for column, reason in records[named(model)]["reasons"].items()
    ]
    if reasons:
        lines += ["## What stands in the way", "", *reasons, ""]
    return "\n".join(lines)


def main() -> int:
    """Try the models, print a line about each, and write what came of them and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="Parts of the names of the models to try.")
    parser.add_argument("--again", action="store_true", help="Also those that were tried before.")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    for model in MODELS:
        if chosen.names and not any(name in model.call for name in chosen.names):
            continue
        if named(model) in recorded() and not chosen.again:
            continue
        with tempfile.TemporaryDirectory() as folder:
            row = survey(model, Path(folder))
        # Read again: another process may have tried others meanwhile.
        records = recorded() | {named(model): record(row)}
        RECORDS.write_text(
            json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
        failed = {column: code for column, code in row.found.items() if code != YES}
        said = ", ".join(f"{column} {code}" for column, code in failed.items()) or "all of it works"
        print(f"{model.call}: {said} ({row.seconds:.1f} s)", flush=True)
        for column, reason in row.reasons.items():
            print(f"  {column}: {reason}", flush=True)
    PAGE.write_text(page(recorded()), encoding="utf-8")
    return 0


def recorded() -> dict[str, dict[str, Any]]:
    """Return what is known of models that were tried, by what they are called."""
    return json.loads(RECORDS.read_text(encoding="utf-8")) if RECORDS.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
