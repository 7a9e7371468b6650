"""``legonet why``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import (
    json_document,
    overrides,
    settings,
    spec_file,
    store_folder,
    trust,
)
from legonet.cli.output import document
from legonet.diagnostics import DiagnosticError, did_you_mean

if TYPE_CHECKING:
    from legonet.building import JointStep, Plan, Step


@click.command
@spec_file
@click.argument("category", metavar="CATEGORY")
@click.argument("task", metavar="[TASK]", required=False)
@settings
@trust
@store_folder
@json_document
def why(
    spec: Path,
    category: str,
    task: str | None,
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    store: Path | str | None,
    as_json: bool,
) -> None:
    """Say why an edge would be rebuilt or reused.

    The reasons for the edge CATEGORY -> TASK go down to the field or file that changed. The name of
    a joint path in place of CATEGORY says why it would be measured again, and no TASK is needed.
    """
    from legonet.building import Workspace
    from legonet.graph import load
    from legonet.graph.resolved import edge_name

    planned = Workspace(spec, store).plan(load(spec, overrides(settings), trust))
    joints = [step for step in planned.joints if step.joint.path == category]
    chosen = [step for step in joints if task in (None, step.joint.task)]
    if chosen and (task is None or planned.edge(category, task) is None):
        _joints(planned, chosen, as_json=as_json)
        return
    if task is None:
        _check_path(planned, category)
        raise click.UsageError("name a category and a task, or a joint path")
    step = planned.edge(category, task)
    if step is None:
        names = [edge.name for edge in planned.edges]
        raise DiagnosticError.of(
            "LEGO708",
            f"no edge `{edge_name(category, task)}`",
            help=did_you_mean(edge_name(category, task), names, "edge")
            or [f"edges: {', '.join(names)}"],
        )
    needed = planned.networks_of(step)
    if as_json:
        document(
            {
                "category": category,
                "task": task,
                "action": step.action,
                "reasons": list(step.reasons),
                "networks": [
                    {"name": item.name, "action": item.action, "reasons": list(item.reasons)}
                    for item in needed
                ],
            }
        )
        return
    _tell((step, *needed))


def _joints(planned: Plan, steps: Sequence[JointStep], *, as_json: bool) -> None:
    """Say why the answers of a joint path would be measured again, and its edges built."""
    needed = {item.name: item for step in steps for item in planned.needed(step).values()}
    if as_json:
        edges = [item for item in needed.values() if item.kind == "adapter"]
        networks = [item for item in needed.values() if item.kind == "network"]
        document(
            {
                "path": steps[0].joint.path,
                "tasks": [_reasons(step, step.joint.task) for step in steps],
                "edges": [_reasons(item, item.name) for item in edges],
                "networks": [_reasons(item, item.name) for item in networks],
            }
        )
    else:
        _tell((*steps, *needed.values()))


def _reasons(step: Step, name: str) -> dict[str, object]:
    return {"name": name, "action": step.action, "reasons": list(step.reasons)}


def _check_path(planned: Plan, name: str) -> None:
    """Raise what to say of a joint path that cannot be measured, or of an unknown name."""
    spec = planned.graph.spec
    path = spec.paths.get(name)
    if path is not None and path.is_joint:
        raise DiagnosticError.of(
            "LEGO709",
            f"nothing is built for the path `{name}`: the right answers about its categories are"
            " not known",
            help=["name the `data` of its edges, and it is measured on their test pictures"],
        )
    if path is None and name not in spec.categories:
        joint = [known for known, item in spec.paths.items() if item.is_joint]
        raise DiagnosticError.of(
            "LEGO708",
            f"no joint path `{name}`",
            help=did_you_mean(name, joint, "path")
            or [f"joint paths: {', '.join(joint) or 'none'}"],
        )


def _tell(steps: Iterable[Step]) -> None:
    for item in steps:
        click.echo(f"{item.name}: {item.action}")
        for reason in item.reasons:
            click.echo(f"  because {reason}")
