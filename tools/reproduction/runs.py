"""Single runs, read from the certificates of a store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from methods import APART, METHODS, bare, method_of

from legonet.building import EdgeStep, Plan

NAME = re.compile(r"(?P<animal>.+?)_(?P<seed>\d+)_(?P<variant>\D+)_(?P<samples>\d+)")
"""What a run's category module is called in the specs."""

FIGURE = {1: "error_rate", 2: "error_rate", 3: "error_rate", 4: "pixel_accuracy"}
"""The figure of each table."""


@dataclass(frozen=True)
class Run:
    """One edge that was built.

    Args:
        table: Of the paper.
        scale: Of the networks.
        category: What is transplanted, or where an adapter is put in.
        samples: Labelled pictures.
        unlabelled: Pictures without labels.
        variant: The method's name in the spec.
        seed: Of the networks, the pictures and the learning.
        figure: Error rate or pixel accuracy on the test pictures.
        teacher: The teacher's.
        iou: And intersection over union, for segmentation.
        teacher_iou: The teacher's.
        seconds: For learning and measuring.
        device: What computed it.
        donor: What the donor's whole network reaches on the same pictures, where it was measured.
        look: What was done to the category's pictures, such as ``edges``; empty for plain ones.
    """

    table: int
    scale: str
    category: str
    samples: int
    unlabelled: int
    variant: str
    seed: int
    figure: float
    teacher: float
    iou: float | None
    teacher_iou: float | None
    seconds: float
    device: str
    donor: float | None = None
    look: str = ""

    @property
    def apart(self) -> bool:
        """Whether the teacher's ancestor was trained apart."""
        return self.variant.startswith(APART)

    def to_json(self) -> dict[str, Any]:
        """Return a line of ``results.json``."""
        segmentation = {"iou": self.iou, "teacher_iou": self.teacher_iou}
        return {
            "table": self.table,
            "scale": self.scale,
            "category": self.category,
            "samples": self.samples,
            "unlabelled": self.unlabelled,
            "method": method_of(self.variant).label,
            "ancestor": "apart" if self.apart else "common",
            "variant": self.variant,
            "seed": self.seed,
            FIGURE[self.table]: self.figure,
            "teacher": self.teacher,
            **(segmentation if self.iou is not None else {}),
            **({"donor": self.donor} if self.donor is not None else {}),
            **({"look": self.look} if self.look else {}),
            "seconds": round(self.seconds, 2),
            "device": self.device,
        }

    @classmethod
    def of_json(cls, line: Mapping[str, Any]) -> Run:
        """Return what `to_json` wrote."""
        names = ("table", "scale", "category", "samples", "unlabelled", "variant", "seed")
        return cls(
            **{name: line[name] for name in names},
            figure=line[FIGURE[line["table"]]],
            teacher=line["teacher"],
            iou=line.get("iou"),
            teacher_iou=line.get("teacher_iou"),
            seconds=line["seconds"],
            device=line["device"],
            donor=line.get("donor"),
            look=line.get("look", ""),
        )


def runs_of(plan: Plan, table: int, scale: str) -> Iterator[Run]:
    """Give what is built of a table's spec.

    Args:
        plan: Of the spec.
        table: Its number.
        scale: Of its networks.

    A run of transformed pictures is called by its animal and its look: ``cat_edges_0_chosen_0``.
    """
    figure = FIGURE[table]
    for step in plan.edges:
        if step.artifact is None or step.edge.learning is None:
            continue
        named, learning = name_of(step), step.edge.learning
        animal, _, look = named["animal"].partition("_")
        metrics, certificate = step.artifact.metrics, step.artifact.certificate
        yield Run(
            table=table,
            scale=scale,
            category=animal,
            samples=learning.samples,
            unlabelled=learning.unlabelled,
            variant=named["variant"],
            seed=int(named["seed"]),
            figure=metrics[figure],
            teacher=metrics[f"teacher_{figure}"],
            iou=metrics.get("iou"),
            teacher_iou=metrics.get("teacher_iou"),
            seconds=certificate["seconds"],
            device=device_of(certificate["environment"]),
            donor=metrics.get(f"donor_{figure}"),
            look=look,
        )


def name_of(step: EdgeStep) -> Mapping[str, str]:
    """Return the parts of a run's name."""
    match = NAME.fullmatch(step.edge.category)
    if match is None or method_of(match["variant"]) not in METHODS.values():
        raise ValueError(f"no run of the tables: {step.name}")
    return match.groupdict()


def device_of(environment: Mapping[str, Any]) -> str:
    """Return in words what computed something."""
    if "gpu" in environment:
        return str(environment["gpu"])
    count = environment["threads"]
    threads = "a thread" if count == 1 else f"{count} threads"
    return f"CPU ({environment['machine']}, {environment['instructions']}), {threads} each"


def read_runs(file: Path) -> list[Run]:
    """Return the runs of ``results.json``; none where there is no such file."""
    if not file.exists():
        return []
    return [Run.of_json(line) for line in json.loads(file.read_text("utf-8"))]


def write_runs(file: Path, runs: Sequence[Run]) -> None:
    """Write ``results.json``, a run a line."""
    lines = ",\n".join(json.dumps(run.to_json()) for run in runs)
    file.write_text(f"[\n{lines}\n]\n" if runs else "[]\n", "utf-8")


def in_order(run: Run) -> tuple[object, ...]:
    """Return what the lines of ``results.json`` are sorted by."""
    place = list(METHODS).index(bare(run.variant))
    return (
        run.table,
        run.scale,
        run.look,
        run.apart,
        place,
        run.unlabelled,
        -run.samples,
        run.category,
        run.seed,
    )
