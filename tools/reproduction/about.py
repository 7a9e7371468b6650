"""How the runs of a table at a scale came about: spec, data, networks, versions, time."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments import ROOT, Experiment
from runs import device_of

from legonet.build.planning.questions import Questions

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
    questions = Questions(graph)
    for name, network in graph.spec.networks.items():
        question = questions.of_network(name)
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


def read_about(file: Path) -> dict[str, Any]:
    """Return what was written of all tables and scales, by ``SCALE/TABLE``."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return found


def write_about(file: Path, found: Mapping[str, Any]) -> None:
    """Write it."""
    file.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
