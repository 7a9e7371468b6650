"""Cutting a network in two at one of its modules: the category module and the task module."""

from __future__ import annotations

from collections.abc import Callable
from operator import getitem
from typing import TypeVar

import torch
from torch import fx, nn

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.modules.crossing import NoCutError, above, below, crossing
from legonet.modules.inputs import CONVERSION, insert_conversion
from legonet.modules.split import bottom_as_it_is, graph_after
from legonet.modules.trace import TraceError, runs, trace

Part = TypeVar("Part", nn.Module, fx.Graph)

_ONE_TENSOR = "only one tensor may cross a cut: cut before or after a block that branches"
_CHOSEN = "`output` in the `network` block chooses one of its outputs"
_TRACED = "a forward pass must do the same whatever it sees, and overwrite nothing that it needs"


def bottom(network: nn.Module, until: str) -> nn.Module:
    """Return everything in a network up to and including a module: the category module f.

    The layers are the network's own, not copies, and the state dict keeps the network's names.
    ``top(network, m)(bottom(network, m)(x))`` is ``network(x)`` in evaluation, bit for bit. Where
    a network scales its answer to the size of its picture, that size is computed from the features
    that cross the cut, times their stride; the size of the picture must be divisible by it.

    Args:
        network: The specific network.
        until: Torch's own path of the last module that belongs to f, such as ``features.4``.

    Raises:
        DiagnosticError: No such module, or more than its output crosses the cut.
    """
    cut = _cut(network, until)
    if isinstance(cut, TraceError):
        return _split(network, until, cut, bottom_as_it_is)
    return _half(network, below(*cut), "Bottom")


def top(network: nn.Module, after: str) -> fx.GraphModule:
    """Return everything in a network after a module: the task module g.

    Args:
        network: The specific network.
        after: Torch's own path of the last module that does not belong to g.

    Raises:
        DiagnosticError: As for `bottom`, or nothing comes after the module.
    """
    cut = _cut(network, after)
    if isinstance(cut, TraceError):
        rest = _split(network, after, cut, graph_after)
    else:
        rest = above(network, *cut)
    if not any(item.op.startswith("call") for item in rest.nodes):
        raise DiagnosticError.of(
            "LEGO512",
            f"nothing comes after `{after}`, so no task module is left",
            label="the network's last module",
            help=["cut at a module nearer to the input"],
        )
    return _half(network, rest, "Top")


def check_path(network: nn.Module, path: str) -> None:
    """Raise a `DiagnosticError` with the nearest name if a network has no module at this path."""
    paths = [name for name, _ in network.named_modules(remove_duplicate=False) if name]
    if path in paths:
        return
    outermost = ", ".join(f"`{name}`" for name in paths if "." not in name)
    raise DiagnosticError.of(
        "LEGO510",
        f"no module `{path}` in {type(network).__name__}",
        label="not a module of this network",
        help=[*did_you_mean(path, paths, "module"), f"its outermost modules are {outermost}"],
    )


def _cut(network: nn.Module, path: str) -> tuple[fx.Graph, fx.Node] | TraceError:
    """Return a network's graph and the node whose output alone crosses a cut.

    Where the network as a whole cannot be traced, return why.
    """
    check_path(network, path)
    try:
        graph = _traced(network, path)
    except TraceError as error:
        return error
    try:
        node = _clean(network, graph, path)
    except NoCutError as error:
        advice = [*_nearest(network, graph, path), _ONE_TENSOR]
        raise _refusal(path, str(error), advice) from error
    return graph, node


def _split(
    network: nn.Module, path: str, whole: TraceError, part: Callable[[nn.Module, str], Part]
) -> Part:
    """Return a part of a network of which only what comes after a cut can be traced.

    Args:
        network: The network.
        path: Where it is cut.
        whole: Why it cannot be traced as a whole.
        part: Returns the part.
    """
    try:
        return part(network, path)
    except TraceError:
        raise not_traced(network, whole, path) from whole
    except NoCutError as error:
        raise _refusal(path, str(error), [_ONE_TENSOR]) from error


def not_traced(network: nn.Module, error: TraceError, path: str | None = None) -> DiagnosticError:
    """Return the error about a network that cannot be traced.

    Args:
        network: The network.
        error: Why.
        path: Where it was to be cut; None for anywhere.
    """
    advice = _CHOSEN if "instead of one tensor" in str(error) else _TRACED
    return _refusal(path, f"{error.path or type(network).__name__} {error}", [advice])


def _traced(network: nn.Module, path: str) -> fx.Graph:
    """Trace a network down to a module; modules that the cut does not pass through stay whole."""
    graph = trace(network, lambda _, name: path.startswith(f"{name}."))
    insert_conversion(network, graph)
    return graph


def _clean(network: nn.Module, graph: fx.Graph, path: str) -> fx.Node:
    called = [node for node in graph.nodes if node.op == "call_module" and node.target == path]
    if not called:
        raise NoCutError(f"the network's forward pass does not run `{path}` by itself")
    if len(called) > 1 and next(network.get_submodule(path).parameters(), None) is not None:
        raise NoCutError(f"the network runs `{path}` more than once")
    node: fx.Node = called[0]
    while len(node.users) == 1 and _takes_one_output(user := next(iter(node.users))):
        # A backbone that returns several feature maps, only one of which is used.
        node = user
    crossing(network, graph, node)
    return node


def _takes_one_output(node: fx.Node) -> bool:
    """Return whether a node takes one output of a module by its key, its place or its name."""
    if node.target is getitem:
        return isinstance(node.args[1], str | int)
    return node.target is getattr and not hasattr(torch.Tensor, str(node.args[1]))


def _nearest(network: nn.Module, graph: fx.Graph, path: str) -> list[str]:
    """Suggest the last module before a path and the first after it where a cut works."""
    paths = [name for name in runs(graph).values() if name != CONVERSION]
    if path not in paths:
        return []
    place = paths.index(path)
    parents = path.split(".")[:-1]
    around = [".".join(parents[:depth]) for depth in range(len(parents), 0, -1)]
    before, after = paths[:place][::-1], [*around, *paths[place + 1 :]]
    found = [
        next((f"`{name}`" for name in side if _works(network, name)), "")
        for side in (before, after)
    ]
    works = [name for name in found if name]
    if not works:
        return []
    modules = "modules" if len(works) > 1 else "module"
    return [f"cut after {' or '.join(works)}, the nearest {modules} where it works"]


def _works(network: nn.Module, path: str) -> bool:
    try:
        graph = _traced(network, path)
        node = _clean(network, graph, path)
        return len(above(network, graph, node).nodes) > 2
    except (TraceError, NoCutError):
        return False


def _refusal(path: str | None, reason: str, advice: list[str]) -> DiagnosticError:
    at = "" if path is None else f" at `{path}`"
    return DiagnosticError.of(
        "LEGO511",
        f"the network cannot be cut{at}: {reason}",
        label="no cut here",
        help=[*advice, "`legonet cuts SPEC NETWORK` lists every module where it can be cut"],
    )


def _half(network: nn.Module, graph: fx.Graph, name: str) -> fx.GraphModule:
    half = fx.GraphModule(network, graph, class_name=name)
    own = {id(module) for module in network.modules()}
    for module in half.modules():
        if id(module) not in own:
            module.training = network.training
    return half
