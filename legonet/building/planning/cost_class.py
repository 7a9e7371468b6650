"""How similar one step's work is to another's, for estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from legonet.building.planning.inputs import Inputs, form_of
from legonet.building.planning.plan import EdgeStep, JointStep, Step
from legonet.building.storage.file_list import FileList, file_list_key
from legonet.building.storage.keys import key_of

DIGITS = 16
"""Hexadecimal digits of a class's digest."""


@dataclass(frozen=True)
class CostClass:
    """The cost classes of a step's work.

    Two steps that share a class have similar work; the earlier the class is in ``classes``, the
    more similar it is.

    Args:
        classes: Same content; same except for data and seeds; same models, method and size; same
            kinds of models and of method.
        amount: The work of steps of one class is proportional to it; None where it is unknown.
    """

    classes: tuple[str, ...]
    amount: float | None

    @classmethod
    def of(cls, step: Step, file_lists: Mapping[str, FileList]) -> CostClass:
        """Return the cost class of a step.

        Args:
            step: A network or an edge that is not direct.
            file_lists: The file lists of its pictures, by their key.
        """
        if isinstance(step, EdgeStep):
            classes, amount = _of_edge(step)
        elif isinstance(step, JointStep):
            classes, amount = _of_joint(step)
        else:
            classes, amount = _of_network(step, file_lists)
        digests = (
            key_of([step.kind, number, part])[:DIGITS] for number, part in enumerate(classes)
        )
        return cls((step.key[:DIGITS], *digests), amount)


def _of_network(step: Step, file_lists: Mapping[str, FileList]) -> tuple[list[Any], float | None]:
    inputs = step.inputs
    model, train = inputs["model"], inputs["train"]
    started = [inputs["init"] is not None, inputs["weights"] is not None]
    if train is None:
        return [[model, started], [_kind(model), started]], None
    data = train["data"]
    same_recipe = {**_without(train, "seed", "data"), "size": data["size"], "goal": data["goal"]}
    same_size = [train["batch_size"], train["frozen"], data["size"], data["goal"]]
    pictures = len(file_lists[file_list_key(data)].files)
    classes = [[model, started, same_recipe], [model, same_size], [_kind(model), "trained"]]
    return classes, float(train["epochs"] * pictures * data["size"] ** 2)


def _of_edge(step: EdgeStep) -> tuple[list[Any], float | None]:
    inputs = step.inputs
    method = inputs["method"]
    steps = method.get("steps")
    goal = None if inputs["data"] is None else inputs["data"]["goal"]
    models = [form_of(network.model) for network in step.edge.networks.values()]
    cuts = [inputs["category"]["until"], inputs["task"]["after"]]
    much = [inputs["samples"], inputs["unlabelled"]]
    same_method = [models, cuts, method, inputs["layers"], much, inputs["size"], goal]
    same_size = [models, cuts, method["call"], _some(steps), inputs["layers"], inputs["size"], goal]
    kinds = [
        [_kind(model) for model in models],
        method["call"],
        _some(steps),
        len(inputs["layers"]),
    ]
    return [same_method, same_size, kinds], float(steps) if steps else None


def _of_joint(step: JointStep) -> tuple[list[Any], float | None]:
    joint = step.joint
    models = sorted(str(form_of(network.model)) for network in joint.networks.values())
    size = step.inputs["data"][0]["size"]
    return [[models, size], [joint.goal.name, size]], float(len(joint.edges))


def _kind(model: Inputs) -> str:
    return str(model["call"])


def _some(steps: int | None) -> str:
    """Distinguish methods that train, that do not, and that decide for themselves."""
    return "chosen" if steps is None else "some" if steps else "none"


def _without(inputs: Inputs, *names: str) -> Inputs:
    return {name: value for name, value in inputs.items() if name not in names}
