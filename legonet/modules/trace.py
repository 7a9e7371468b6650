"""A network's forward pass as a graph of the layers and functions that it calls."""

from __future__ import annotations

import inspect
import os
import threading
import traceback
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn
from torch.nn import functional

from legonet.modules.outputs import several

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Enters = Callable[[nn.Module, str], bool]

_ONE_AT_A_TIME = threading.Lock()
"""Held while `torch.fx` has its hooks in all modules."""

_CONSTANTS = (bool, int, float, str, type(None))

_NOT_THE_NETWORK = (f"{Path(torch.__file__).parent}{os.sep}", __file__, "<")
"""What the files begin with that are not a network's own code: torch's, and this one."""


class TraceError(Exception):
    """A forward pass that is not a graph of layers and functions; says which one and why.

    Args:
        reason: Why, as a sentence without its subject.
        path: The dotted name of the module that cannot be traced, empty for the network itself.
    """

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.path = path


def trace(
    module: nn.Module, enters: Enters, outputs: dict[str, list[fx.Node]] | None = None
) -> fx.Graph:
    """Return what a module does to its first argument in evaluation.

    Other arguments keep their defaults. In-place operations are replaced with out-of-place ones,
    so that half of the graph never overwrites its input; what does not matter to the answer is
    left out. If the answer is a dict with the entry ``out``, as from torchvision's segmenters,
    that entry is the answer.

    Args:
        module: The module; it is not changed.
        enters: Whether a module, given with its dotted name, is traced inside; others are single
            nodes.
        outputs: Filled with the nodes of what each module returned, one for each of its calls, by
            dotted name; of modules that are entered too.

    Raises:
        TraceError: The forward pass depends on the values that it sees, overwrites tensors that
            it uses again, or returns more than one tensor.
    """
    tracer = _Tracer(enters, {} if outputs is None else outputs)
    with tracing(module, enters):
        try:
            graph = tracer.trace(module, _defaults(module))
        except Exception as error:
            # Tracing runs the network's own code, which may raise anything at all.
            reason = "depends on its input in a way that cannot be traced"
            raise TraceError(f"{reason}{_line(error)}", tracer.failed) from error
    finished(graph)
    if sum(node.op == "placeholder" for node in graph.nodes) > 1:
        raise TraceError("takes more than one input")
    return graph


@contextmanager
def tracing(module: nn.Module, enters: Enters) -> Iterator[None]:
    """Have `torch.fx` to oneself, with the modules that are entered in evaluation."""
    with _ONE_AT_A_TIME, _in_evaluation(module, enters), _memories_kept(module):
        yield


@contextmanager
def _memories_kept(module: nn.Module) -> Iterator[None]:
    """Have modules forget afterwards what they keep in dicts of their own, such as timm's LeViT.

    While a module is traced, that is no tensor but a node of the graph, which means nothing later.
    """
    kept = [
        (memory, dict(memory))
        for part in module.modules()
        for name, memory in vars(part).items()
        if type(memory) is dict and not name.startswith("_")
    ]
    try:
        yield
    finally:
        for memory, before in kept:
            if any(isinstance(value, fx.Proxy) for value in memory.values()):
                memory.clear()
                memory.update(before)


def finished(graph: fx.Graph) -> fx.Graph:
    """Return a graph that was just traced with one answer, nothing in place, and nothing unused.

    Raises:
        TraceError: It returns more than one tensor, or overwrites tensors that it uses again.
    """
    _reduce_answer(graph)
    _replace_in_place(graph)
    tidy(graph)
    return graph


def _line(error: Exception) -> str:
    """Return the line of the network's own code at which tracing ended, if there is one."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_NOT_THE_NETWORK)]
    if not own or not own[-1].line:
        return ""
    return f": `{own[-1].line}` in {Path(own[-1].filename).name}, line {own[-1].lineno}"


def tidy(graph: fx.Graph) -> None:
    """Remove from a graph what does not matter to its answer, but keep its first input."""
    for node in list(graph.nodes)[:0:-1]:
        if node.op != "output" and not node.users:
            graph.erase_node(node)


def runs(graph: fx.Graph) -> dict[fx.Node, str]:
    """Return the dotted names of the modules that a graph calls, each at its first call."""
    first: dict[str, fx.Node] = {}
    for node in graph.nodes:
        if node.op == "call_module":
            first.setdefault(str(node.target), node)
    return {node: path for path, node in first.items()}


class _Tracer(fx.Tracer):
    def __init__(self, enters: Enters, outputs: dict[str, list[fx.Node]]) -> None:
        super().__init__()
        self._enters = enters
        self._outputs = outputs
        self._called: list[str] = []
        self._names: dict[int, list[str]] = defaultdict(list)
        self._thread = threading.get_ident()
        self.failed = ""

    def trace(
        self,
        root: nn.Module | Callable[..., Any],
        concrete_args: dict[str, Any] | None = None,
    ) -> fx.Graph:
        if isinstance(root, nn.Module):
            for name, module in root.named_modules(remove_duplicate=False):
                self._names[id(module)].append(name)
        return super().trace(root, concrete_args)

    def path_of_module(self, mod: nn.Module) -> str:
        # A layer that occurs twice in a sequence has two names, in the order in which it runs.
        names = self._names[id(mod)]
        self._called.append(names.pop(0) if len(names) > 1 else names[0])
        return self._called[-1]

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return not self._enters(m, module_qualified_name)

    def call_module(
        self,
        m: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if threading.get_ident() != self._thread:
            # Another thread is using its own modules, or even the same ones.
            return forward(*args, **kwargs)
        place = len(self._called)
        try:
            found = super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or next(iter(self._names[id(m)]), "")
            raise
        if isinstance(found, dict) and len(found) == 1:
            # A backbone that returns a dict of feature maps, only one of which is used.
            (output,) = found.values()
        else:
            output = found
        if isinstance(output, fx.Proxy):
            self._outputs.setdefault(self._called[place], []).append(output.node)
        return found

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)


def _defaults(module: nn.Module) -> dict[str, Any]:
    parameters = list(inspect.signature(module.forward).parameters.values())[1:]
    return {
        parameter.name: parameter.default
        for parameter in parameters
        if isinstance(parameter.default, _CONSTANTS)
    }


@contextmanager
def _in_evaluation(module: nn.Module, enters: Enters) -> Iterator[None]:
    """Set the modules that are entered to evaluation and back without touching the others."""
    inside = [item for name, item in module.named_modules() if item is module or enters(item, name)]
    training = [item.training for item in inside]
    for item in inside:
        item.training = False
    try:
        yield
    finally:
        for item, was in zip(inside, training, strict=True):
            item.training = was


def _reduce_answer(graph: fx.Graph) -> None:
    output = next(iter(reversed(graph.nodes)))
    (answer,) = output.args
    if isinstance(answer, dict) and "out" in answer:
        answer = answer["out"]
        output.args = (answer,)
    if not isinstance(answer, fx.Node):
        raise TraceError(f"returns a {several(answer)} instead of one tensor")


def _replace_in_place(graph: fx.Graph) -> None:
    # Tracing with defaults leaves assertions that arguments equal the defaults.
    for node in reversed(list(graph.nodes)):
        if "assert" in getattr(node.target, "__name__", "") and not node.users:
            graph.erase_node(node)
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        if not _make_out_of_place(node):
            continue
        before = node.args[0] if node.args else node.kwargs.get("input")
        if isinstance(before, fx.Node) and any(order[user] > order[node] for user in before.users):
            raise TraceError(f"overwrites a tensor with `{node.name}` and uses it again")


def _make_out_of_place(node: fx.Node) -> bool:
    """Make a node work out of place and return whether it worked in place."""
    if node.op == "call_function":
        name = getattr(node.target, "__name__", "")
        whole = getattr(torch, name.rstrip("_"), None)
        if name.endswith("_") and not name.startswith("_") and whole is not None:
            node.target = whole
            return True
        if getattr(functional, name, None) is not node.target:
            return False
        try:
            place = list(inspect.signature(node.target).parameters).index("inplace")
        except ValueError:
            # A C function without a signature, or one that never works in place.
            return False
        given = node.args[place] if len(node.args) > place else node.kwargs.get("inplace", False)
        node.args = (*node.args[:place], *node.args[place + 1 :])
        node.kwargs = {key: value for key, value in node.kwargs.items() if key != "inplace"}
        return bool(given)
    if node.op == "call_method":
        name = str(node.target)
        if name.endswith("_") and not name.endswith("__"):
            node.target = name.rstrip("_")
            return True
    return False
