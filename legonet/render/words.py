"""What the picture says about a network, a module or an adapter, in words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from legonet.graph import EdgeState, ModuleGraph, State
from legonet.spec.base import Form, Plugin
from legonet.spec.declarations import Adapter, Learning, Network
from legonet.spec.models import LibraryModel, Model

STATES: Mapping[State, str] = {
    State.MISSING: "not built yet",
    State.LEARNING: "learning",
    State.BUILT: "built",
    State.FAILED: "failed",
    State.DIRECT: "direct",
}


def kernels(layers: tuple[int, ...]) -> str:
    """Return an adapter's kernel sizes, bottom first, such as ``3 x 1x1``."""
    runs = [(size, len(list(run))) for size, run in groupby(layers)]
    return ", ".join(f"{n} x {size}x{size}" if n > 1 else f"{size}x{size}" for size, n in runs)


def method(learning: Learning) -> str:
    """Return the name of a method, such as ``back distillation``."""
    return learning.method.call.replace("_", " ")


def pictures(learning: Learning) -> str:
    """Return how many pictures an adapter is learned from."""
    parts = []
    if learning.samples:
        parts.append(f"{learning.samples} sample" + "s" * (learning.samples > 1))
    if learning.unlabelled:
        parts.append(f"{learning.unlabelled} unlabelled")
    return " + ".join(parts) or "no samples"


def progress(state: EdgeState) -> str:
    """Return how good an edge is beside its teacher, or how far it has come where none knows."""
    for metric, word in (("error_rate", "error"), ("pixel_accuracy", "pixel accuracy")):
        if metric in state.metrics:
            own = f"{word} {_percent(state.metrics[metric])}"
            teacher = state.metrics.get(f"teacher_{metric}")
            return own if teacher is None else f"{own}, teacher {_percent(teacher)}"
    return STATES[state.state]


def about_network(name: str, network: Network) -> str:
    """Return a network's tooltip."""
    lines = [f"specific network {name}", _form(network.model)]
    if network.init is not None:
        lines.append(f"starts from {network.init}")
    if network.weights is not None:
        lines.append("ready weights")
    if (recipe := network.train) is not None:
        subject = f" for {recipe.category}" if recipe.category is not None else ""
        lines.append(f"trained on {recipe.data}{subject}: {recipe.goal}, {recipe.epochs} epochs")
    return "\n".join(lines)


def about_adapter(graph: ModuleGraph, adapter: Adapter, state: EdgeState) -> str:
    """Return an adapter's tooltip."""
    lines = [f"{adapter.category} -> {adapter.task}: {STATES[state.state]}"]
    if (learning := adapter.learning) is not None:
        lines += [
            f"convs {kernels(learning.layers)}",
            _form(learning.method),
            f"{pictures(learning)}, teacher {graph.teacher_name(adapter)}",
        ]
    if state.metrics:
        lines.append(progress(state))
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _form(form: Model | Form) -> str:
    """Return a form as it stands in a spec, less the fields that hold their defaults."""
    if isinstance(form, LibraryModel | Plugin):
        arguments = form.arguments
    else:
        arguments = form.model_dump(exclude_defaults=True)
    return f"{form.call}({', '.join(f'{name}: {_literal(v)}' for name, v in arguments.items())})"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
