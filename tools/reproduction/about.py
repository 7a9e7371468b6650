"""How the runs of a table at a scale came about: spec, data, networks, versions, time."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments import ROOT, Experiment
from runs import device_of

from legonet.building.planning.datasets import TaskDatasets

PACKAGES = ("legonet", "torch", "torchvision", "numpy", "pillow")


def about(experiment: Experiment) -> dict[str, Any]:
    """Return it as values of JSON.

    Args:
        experiment: The table's, built as far as it is.
    """
    plan = experiment.plan
    stand = [step for step in (*plan.networks, *plan.edges) if step.artifact is not None]
    certificates = [step.artifact.certificate for step in stand if step.artifact is not None]
    devices = sorted({device_of(item["environment"]) for item in certificates})
    learned = [step.artifact.certificate["seconds"] for step in plan.edges if step.artifact]
    trained = [step.artifact.certificate["seconds"] for step in plan.networks if step.artifact]
    return {
        "specs": {
            str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in experiment.specs
        },
        # Where the pictures lay says nothing, and differs from machine to machine.
        "settings": [item for item in experiment.settings if not item.startswith("root=")],
        "edges": sum(step.action != "direct" for step in plan.edges),
        "edges built": len(learned),
        "seconds of edges": round(sum(learned)),
        "seconds of networks": round(sum(trained)),
        "wall seconds": round(experiment.wall_seconds),
        "devices": devices,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            "torch that computed": sorted({item["environment"]["torch"] for item in certificates}),
        },
        "pictures": dict(_pictures(experiment)),
        "networks": {
            step.name: step.artifact.metrics
            for step in plan.networks
            if step.artifact is not None and step.artifact.metrics
        },
    }


def _pictures(experiment: Experiment) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give, for each data block that a network learns from, its source and numbers of pictures."""
    graph = experiment.plan.graph
    questions = TaskDatasets(graph.spec)
    for name, network in graph.spec.networks.items():
        question = questions.of_network(graph.network(name))
        if question is None or network.train is None:
            continue
        data = graph.spec.data[network.train.data]
        what = question.category or "all labels"
        counts = {
            split: sum(
                question.category is None or question.category in example.shows
                for example in question.source.examples(split)
            )
            for split in ("train", "test")
        }
        yield (
            f"{network.train.data}: {what}",
            {"source": data.source.call, "size": question.size, **counts},
        )


def add_about(
    known: dict[str, Any], name: str, found: Mapping[str, Any], seeds: Sequence[int] | None
) -> None:
    """Add how the runs of a table came about to what is known of all tables.

    Args:
        known: By ``SCALE/TABLE``, or ``SCALE/TABLE seed N`` where seeds were built one by one.
        name: ``SCALE/TABLE``.
        found: See `about`.
        seeds: The seeds that it is about; None for all, in place of everything known of the table.
    """
    if seeds:
        known[f"{name} seed {', '.join(map(str, seeds))}"] = dict(found)
        return
    for part in [other for other in known if _is_of(other, name)]:
        del known[part]
    known[name] = dict(found)


def abouts_of(known: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the parts of a table, each with its seeds in words, empty for all of them."""
    return [
        (other.removeprefix(name).strip(), known[other])
        for other in sorted(known)
        if _is_of(other, name)
    ]


def _is_of(key: str, name: str) -> bool:
    return key == name or key.startswith(f"{name} seed ")


def read_about(file: Path) -> dict[str, Any]:
    """Return what was written of all tables and scales, by ``SCALE/TABLE``."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def write_about(file: Path, found: Mapping[str, Any]) -> None:
    """Write it."""
    file.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
