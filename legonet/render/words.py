"""What the picture says about a network, a module or an adapter, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import PurePath

from legonet.goals import Goal, goal_of, is_against_teacher
from legonet.graph import EdgeState, ModuleGraph, State
from legonet.graph.state import error_of
from legonet.language.base import Call, Form
from legonet.language.declarations import Adapter, Learning, Network, Path
from legonet.language.models import LibraryModel, Model
from legonet.render.built import Size
from legonet.render.style import points_behind

STATES: Mapping[State, str] = {
    State.MISSING: "not built yet",
    State.LEARNING: "learning",
    State.BUILT: "built",
    State.FAILED: "failed",
    State.DIRECT: "direct",
}
LONGEST = 48
"""The most letters of a name or a line in a box; the tooltip shows all of it."""


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
    """Return how good an edge is compared with its teacher; if unknown, how far it has come."""
    if (goal := goal_of(state.metrics)) is not None:
        failed = "failed: " if state.state is State.FAILED else ""
        if is_against_teacher(state.metrics):
            return f"{failed}{error_words(state)}"
        own = f"{failed}{goal.figure_words} {_with_interval(state.metrics, goal)}"
        teacher = state.metrics.get(f"teacher_{goal.figure}")
        return own if teacher is None else f"{own}, teacher {goal.text(teacher)}"
    if state.state is State.LEARNING:
        return " ".join(filter(None, (f"learning {state.fraction:.0%}", state.message)))
    if state.state is State.FAILED and state.message:
        return f"failed: {state.message}"
    return STATES[state.state]


def path(item: Path) -> str:
    """Return what a path joins, such as ``[cat, dog] → classify``."""
    sides = (
        names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        for names in (item.categories, item.tasks)
    )
    return " → ".join(sides)


def error_words(state: EdgeState | None) -> str:
    """Return the error of a network or an edge; empty if it is not known."""
    metrics = {} if state is None else state.metrics
    goal, found = goal_of(metrics), error_of(metrics)
    if goal is None or found is None:
        return ""
    by = " by its teacher's answers" if is_against_teacher(metrics) else ""
    return f"{goal.error_words} {goal.text(found[0])}{by}"


def behind(state: EdgeState) -> str:
    """Return how far an edge is behind its teacher; empty if it is not known."""
    points = points_behind(state.metrics)
    if points is None:
        return ""
    if points <= 0:
        return "as good as its teacher" if points == 0 else f"{-points:.1f} points better"
    return f"{points:.1f} points behind its teacher"


def parameters(size: Size) -> str:
    """Return how many parameters a module has, such as ``1.1k parameters``; empty if unknown."""
    if size.parameters is None:
        return ""
    number = float(size.parameters)
    for unit in ("", "k", "M", "G"):
        if number < 999.5 or unit == "G":
            break
        number /= 1000
    digits = 1 if unit and number < 99.95 else 0
    return f"{number:.{digits}f}{unit} parameters"


def size(found: Size) -> str:
    """Return a module's channels, layout and parameters, as far as they are known."""
    ways = " → ".join(str(channels) for channels in found.channels)
    channels = f"{ways} channels" if ways else ""
    return ", ".join(filter(None, (channels, found.layouts, parameters(found))))


def model(network: Network) -> str:
    """Return the name of a network's architecture, without legonet's own prefix."""
    return network.model.call.removeprefix("legonet.")


def shortened(text: str, longest: int = LONGEST) -> str:
    """Return a text, or its beginning and end if it is too long for a box."""
    if len(text) <= longest:
        return text
    kept = longest - 1
    return f"{text[: kept - kept // 3]}…{text[len(text) - kept // 3 :]}"


def listed(names: list[str], most: int = 24) -> str:
    """Return names one per line, and how many more there are."""
    lines = names[:most]
    if len(names) > most:
        lines.append(f"and {len(names) - most} more")
    return "\n".join(lines)


def about_network(name: str, network: Network, found: Size, state: EdgeState | None) -> str:
    """Return a network's tooltip."""
    lines = [f"specific network {name}", form(network.model)]
    if network.init is not None:
        lines.append(f"starts from {network.init}")
    if network.weights is not None:
        lines.append("ready weights")
    if (recipe := network.train) is not None:
        subject = f" for {recipe.category}" if recipe.category is not None else ""
        lines.append(f"trained on {recipe.data}{subject}: {recipe.goal}, {recipe.epochs} epochs")
    lines += filter(None, (parameters(found), progress(state) if state else ""))
    return "\n".join(lines)


def about_adapter(graph: ModuleGraph, adapter: Adapter, state: EdgeState, found: Size) -> str:
    """Return an adapter's tooltip."""
    return "\n".join(_about_adapter(graph, adapter, state, found))


def _about_adapter(
    graph: ModuleGraph, adapter: Adapter, state: EdgeState, found: Size
) -> Iterator[str]:
    yield f"{adapter.category} -> {adapter.task}: {STATES[state.state]}"
    if (learning := adapter.learning) is not None:
        yield f"convs {kernels(learning.layers)}"
        yield form(learning.method)
        teacher = graph.edge(adapter.category, adapter.task).teacher.name
        yield f"{pictures(learning)}, teacher {teacher}"
    if text := size(found):
        yield text
    if state.metrics or state.message:
        yield progress(state)
    if text := behind(state):
        yield text
    donor = error_of(state.metrics, "donor")
    if donor is not None and learning is not None:
        goal = goal_of(state.metrics)
        shown = percent(donor[0]) if goal is None else goal.text(donor[0])
        yield f"the donor's whole network: error {shown}"
    if state.metrics and state.state is State.FAILED:
        yield f"failed: {state.message}"
    yield from (f"warning: {text}" for text in state.warnings)


def _with_interval(metrics: Mapping[str, float], goal: Goal) -> str:
    """Return a goal's figure with half of its 95 % interval, the larger one, if it is known."""
    value, low, high = (metrics.get(f"{goal.figure}{limit}") for limit in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return goal.text(metrics[goal.figure])
    number, *unit = goal.text(value).split(" ", 1)
    half = goal.text(max(value - low, high - value)).split(" ", 1)[0]
    return " ".join([f"{number} ± {half}", *unit])


def percent(share: float) -> str:
    """Return a share in percent."""
    return f"{100 * share:.1f} %"


def form(form: Model | Form) -> str:
    """Return a form as written in a spec, without fields that have their default values."""
    if isinstance(form, LibraryModel):
        return _called(form.call, form.arguments)
    fields = type(form).model_fields.items()
    given = {name: getattr(form, name) for name, field in fields}
    defaults = {name: field.get_default(call_default_factory=True) for name, field in fields}
    return _called(form.call, {k: v for k, v in given.items() if v != defaults[k]})


def _called(name: str, arguments: Mapping[str, object]) -> str:
    shown = (f"{argument}: {_literal(value)}" for argument, value in arguments.items())
    return f"{name}({', '.join(shown)})"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    match value:
        case Call():
            return _called(value.name, value.arguments)
        case Form():
            return form(value)
        case PurePath():
            return f'"{value.name}"'
    return f'"{value}"' if isinstance(value, str) else str(value)
