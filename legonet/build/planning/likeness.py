"""How much one step's work is like another's, for estimates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from legonet.build.planning.inputs import Inputs, form_of
from legonet.build.planning.neighbours import neighbours
from legonet.build.storage.inventory import Inventory, inventory_key
from legonet.build.storage.keys import key_of
from legonet.graph import ModuleGraph

if TYPE_CHECKING:
    from legonet.build.planning.plan import Step

DIGITS = 16
"""Hexadecimal digits of a class."""


@dataclass(frozen=True)
class Likeness:
    """What a step's work is like.

    Two steps that share a class are alike, the more so the earlier it stands in ``classes``.

    Args:
        classes: The same content; the same but for data and seeds; the same models, method and
            size; and the same kinds of models and of method.
        amount: Work of steps of one class is proportional to it; None where it cannot be told.
    """

    classes: tuple[str, ...]
    amount: float | None

    @classmethod
    def of(cls, step: Step, graph: ModuleGraph, inventories: Mapping[str, Inventory]) -> Likeness:
        """Return what the work of a step is like.

        Args:
            step: A network or an edge that is not direct.
            graph: The graph that it belongs to.
            inventories: The files behind its pictures, by their key.
        """
        if step.kind == "network":
            classes, amount = _of_network(step, inventories)
        else:
            classes, amount = _of_edge(step, graph)
        digests = (
            key_of([step.kind, number, part])[:DIGITS] for number, part in enumerate(classes)
        )
        return cls((step.key[:DIGITS], *digests), amount)


def _of_network(step: Step, inventories: Mapping[str, Inventory]) -> tuple[list[Any], float | None]:
    inputs = step.inputs
    model, train = inputs["model"], inputs["train"]
    started = [inputs["init"] is not None, inputs["weights"] is not None]
    if train is None:
        return [[model, started], [_kind(model), started]], None
    data = train["data"]
    same_recipe = {**_without(train, "seed", "data"), "size": data["size"], "goal": data["goal"]}
    same_size = [train["batch_size"], train["frozen"], data["size"], data["goal"]]
    pictures = len(inventories[inventory_key(data)].files)
    classes = [[model, started, same_recipe], [model, same_size], [_kind(model), "trained"]]
    return classes, float(train["epochs"] * pictures * data["size"] ** 2)


def _of_edge(step: Step, graph: ModuleGraph) -> tuple[list[Any], float | None]:
    inputs, spec = step.inputs, graph.spec
    method = inputs["method"]
    steps = method.get("steps")
    goal = None if inputs["data"] is None else inputs["data"]["goal"]
    models = [form_of(spec.networks[name].model) for name in neighbours(graph, step).values()]
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


def _kind(model: Inputs) -> str:
    return str(model["call"])


def _some(steps: int | None) -> str:
    """Tell apart methods that train, that do not, and that decide for themselves."""
    return "chosen" if steps is None else "some" if steps else "none"


def _without(inputs: Inputs, *names: str) -> Inputs:
    return {name: value for name, value in inputs.items() if name not in names}
