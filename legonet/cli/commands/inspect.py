"""``legonet inspect``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from legonet.cli.arguments import json_document, overrides, settings, spec_file, store_folder
from legonet.cli.output import document
from legonet.cli.tables import AGAINST_TEACHER, console, error, percent, table
from legonet.diagnostics import DiagnosticError, did_you_mean

MOST_LABELS = 16
"""Labels of a confusion matrix that is shown as a table, at most."""


@click.command
@spec_file
@click.argument("category", metavar="[CATEGORY", required=False)
@click.argument("task", metavar="[TASK]]", required=False)
@settings
@store_folder
@json_document
def inspect(
    spec: Path,
    category: str | None,
    task: str | None,
    settings: tuple[str, ...],
    store: Path | None,
    as_json: bool,
) -> None:
    """Show the certificate of each edge and joint path: figures, seeds, digests.

    CATEGORY limits this to the edges of one category, and TASK to a single edge. The name of a
    joint path in place of CATEGORY shows that path alone.
    """
    from legonet.building import Workspace
    from legonet.building.inspection import inspect_plan
    from legonet.graph import load

    planned = Workspace(spec, store).plan(load(spec, overrides(settings)))
    found = inspect_plan(planned)
    joint = [path for path in found["paths"] if path["name"] == category]
    if joint and task is None:
        found["edges"], found["networks"], found["paths"] = [], [], joint
        category = None
    for field, wanted in (("category", category), ("task", task)):
        if wanted is None:
            continue
        joints = [path["name"] for path in found["paths"]] if field == "category" else []
        names = [edge[field] for edge in found["edges"]] + joints
        found["edges"] = [edge for edge in found["edges"] if edge[field] == wanted]
        if not found["edges"]:
            raise DiagnosticError.of(
                "LEGO708",
                f"no edge of the {field} `{wanted}`",
                help=did_you_mean(wanted, names, "category or path" if joints else field),
            )
        found["paths"] = []
    if as_json:
        document(found)
    elif category is not None and task is not None:
        (edge,) = found["edges"]
        step = planned.edge(category, task)
        certificate = step.artifact.certificate if step and step.artifact else {}
        click.echo(json.dumps({**edge, "certificate": dict(certificate)}, indent=2))
    else:
        _table(found)


def _table(found: dict[str, Any]) -> None:
    numbers = ("error (95 %)", "teacher's", "donor's")
    shown = table("edge", "state", "method", "samples", "seed", *numbers, "sha256")
    for edge in found["edges"]:
        learned = edge["method"] is not None
        shown.add_row(
            f"{edge['category']} -> {edge['task']}",
            edge["state"],
            edge["method"] or "",
            str(edge["samples"]) if learned else "",
            str(edge["seed"]) if learned else "",
            _with_interval(edge["metrics"]),
            error(edge["metrics"], "teacher"),
            error(edge["metrics"], "donor"),
            (edge["adapter_sha256"] or "")[:12],
        )
    if found["edges"]:
        console().print(shown)
    for number, path in enumerate(found["paths"]):
        if number or found["edges"]:
            click.echo("")
        _path(path)
    for network in found["networks"]:
        if network["input"] is not None:
            from legonet.language.inputs import Input

            settings = Input.model_validate_json(json.dumps(network["input"]))
            click.echo(f"input of {network['name']}: {settings.words}")
    for edge in found["edges"]:
        failure = [] if edge["failure"] is None else [edge["failure"]]
        for word, items in (("failed", failure), ("warning", edge["warnings"])):
            for item in items:
                name = f"{edge['category']} -> {edge['task']}"
                click.echo(f"{word}: {name}: {item['message']} ({item['code']})")
                for text in item["help"] if item in failure else ():
                    click.echo(f"  {text}")


def _path(path: Mapping[str, Any]) -> None:
    """Show what a joint path answers for what."""
    name = f"path {path['name']} -> {path['task']}"
    if path["state"] == "missing":
        click.echo(f"{name}: missing")
        return
    metrics = path["metrics"]
    calibration = metrics.get("calibration_error")
    told = "" if calibration is None else f", calibration error {percent(calibration)}"
    click.echo(
        f"{name}: error {_with_interval(metrics)}, teachers' {error(metrics, 'teacher')}{told}"
    )
    labels = path["labels"]
    if len(labels) > MOST_LABELS:
        click.echo(f"the confusion matrix of {len(labels)} labels is in `--json`")
        return
    shown = table("shown, answered", *labels, "right", "teachers'", right=("",))
    for place, label in enumerate(labels):
        row, others = path["confusion"][place], path["teacher_confusion"][place]
        shown.add_row(label, *map(str, row), _share(row, place), _share(others, place))
    console().print(shown)
    for item in path["warnings"]:
        click.echo(f"warning: {name}: {item['message']} ({item['code']})")


def _share(row: Sequence[int], place: int) -> str:
    """Return how many of the answers in a row of a confusion matrix are right."""
    return percent(row[place] / sum(row)) if sum(row) else ""


def _with_interval(metrics: Mapping[str, float]) -> str:
    """Return an error with the limits of its interval, if they are known."""
    from legonet.goals import goal_of, is_against_teacher

    goal = goal_of(metrics)
    found = None if goal is None else goal.error(metrics)
    if goal is None or found is None or found[1] is None or found[2] is None:
        return error(metrics)
    low, high = (goal.text(limit).split(" ", 1)[0] for limit in found[1:] if limit is not None)
    mark = f"{goal.mark}{AGAINST_TEACHER * is_against_teacher(metrics)}"
    return f"{goal.text(found[0])} ({low} to {high}){mark}"
