"""Networks that answer with several tensors, of which one is the answer."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor, fx, nn


class NoOutputError(Exception):
    """A network has no output of this name; says which ones it has."""


def answer_with(network: nn.Module, output: str | int) -> None:
    """Make a network answer with one of its outputs, in place.

    Its parameters, its modules and their names stay as they are.

    Args:
        network: The network.
        output: The key of a dict, the name of an attribute, or the position in a tuple or list.
    """
    own = type(network)
    whole = own.forward

    # Its signature stays, by which a trace knows the inputs.
    @functools.wraps(whole)
    def forward(self: nn.Module, *given: Any, **named: Any) -> Any:
        return chosen(whole(self, *given, **named), output)

    parts = {"forward": forward, "__module__": own.__module__, "__doc__": own.__doc__}
    network.__class__ = type(own.__name__, (own,), parts)


def chosen(answer: Any, output: str | int) -> Any:
    """Return one of the outputs of an answer.

    Raises:
        NoOutputError: There is none of this name.
    """
    if isinstance(answer, fx.Proxy):
        # The network is being traced, and only running it shows what this is.
        return answer.tracer.create_proxy("call_function", chosen, (answer, output), {})
    found = outputs_of(answer)
    if isinstance(output, int) and isinstance(answer, tuple | list):
        output = range(len(answer))[output] if -len(answer) <= output < len(answer) else output
        found = dict(enumerate(answer))
    if output in found:
        return found[output]
    known = _listed(found) if found else "one tensor alone"
    raise NoOutputError(f"it has no output {_shown(output)}, but {known}")


def outputs_of(answer: Any) -> dict[str | int, Any]:
    """Return what a network answers with, by names or positions; empty for one tensor."""
    if isinstance(answer, Mapping):
        return dict(answer)
    if isinstance(answer, tuple) and hasattr(answer, "_fields"):
        return dict(zip(answer._fields, answer, strict=True))
    if isinstance(answer, tuple | list):
        return dict(enumerate(answer))
    if is_dataclass(answer):
        return {item.name: getattr(answer, item.name) for item in fields(answer)}
    if isinstance(answer, Tensor | fx.Node) or not hasattr(answer, "__dict__"):
        return {}
    return {name: item for name, item in vars(answer).items() if not name.startswith("_")}


def several(answer: Any) -> str:
    """Return what a network returns that is not one tensor, in words, with its outputs."""
    found = outputs_of(answer)
    kind = type(answer).__name__
    return f"{kind} of {_listed(found)}" if found else kind


def advice(answer: Any) -> str:
    """Return how to choose one of the outputs of an answer."""
    found = outputs_of(answer)
    names = " or ".join(f"`output: {_shown(name)[1:-1]}`" for name in list(found)[:6])
    return f"choose one in the `network` block: {names}" if found else "return one tensor"


def _listed(found: Mapping[str | int, Any]) -> str:
    return ", ".join(_shown(name) for name in list(found)[:12])


def _shown(output: str | int) -> str:
    return f'`"{output}"`' if isinstance(output, str) else f"`{output}`"
