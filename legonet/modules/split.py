"""Cutting a network whose forward pass can only be traced after the cut.

A network may do something that depends on the size of its picture before the cut, such as resizing
a table of positions. Then what comes before the cut runs as it is, up to the module where it is
cut, and only what comes after it is traced, on the meta device.
"""

from __future__ import annotations

import copy
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, fx, nn

from legonet.modules.crossing import NoCutError, on_meta
from legonet.modules.inputs import CONVERSION
from legonet.modules.trace import TraceError, finished, tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SIZES = (224, 256, 64, 32, 96, 128, 384)
"""Sizes of pictures on which a network is tried, after those that it names."""

SIZES_COMPARED = 2
"""Of the sizes that a network takes, so many are compared."""


def bottom_as_it_is(network: nn.Module, path: str) -> nn.Module:
    """Return what a network does up to and with a module, by running the network itself.

    The layers are the network's own, and the state dict keeps the network's names, without those
    of children that do not run.

    Args:
        network: The network; it is not changed.
        path: Torch's own path of the last module that runs.

    Raises:
        NoCutError: More than its output crosses the cut.
        TraceError: What comes after it cannot be traced.
    """
    _, earlier = _rest(network, path)
    half = _shallow(network)
    modules, place = [half], ""
    names = path.split(".")
    for name in names:
        children = modules[-1]._modules  # noqa: SLF001 - torch has no other way to share layers
        for child in list(children):
            if child == name or _ran(f"{place}{child}", earlier):
                continue
            if isinstance(modules[-1], nn.Sequential):
                del children[child]
            else:
                children[child] = nn.Identity()
        inner = children[name] = _shallow(modules[-1].get_submodule(name))
        modules.append(inner)
        place += f"{name}."
    # What is left of a sequence of layers ends with the cut by itself; its caller is left there.
    last = len(names)
    while last > 1 and isinstance(modules[last - 1], nn.Sequential):
        last -= 1
    half.forward = partial(_until_left, half, tuple(names[:last]))
    return half


def _ran(name: str, earlier: set[str]) -> bool:
    return any(f"{ran}.".startswith(f"{name}.") for ran in earlier)


def graph_after(network: nn.Module, path: str) -> fx.Graph:
    """Return the graph of everything after a module, with the module's output as its input.

    Args:
        network: The network; it is not changed.
        path: Torch's own path of the module.

    Raises:
        NoCutError: More than its output crosses the cut.
        TraceError: What comes after it cannot be traced.
    """
    graph, _ = _rest(network, path)
    return graph


class _Left(Exception):  # noqa: N818 - it ends a forward pass, and is no error
    """The forward pass has reached the cut."""

    def __init__(self, features: Any) -> None:
        super().__init__()
        self.features = features


def _leave(module: nn.Module, *given: Any, **named: Any) -> Any:
    raise _Left(module(*given, **named))


def _until_left(network: nn.Module, names: tuple[str, ...], pictures: Tensor) -> Any:
    """Run a network until the module with a path has given its output."""
    try:
        _run(network, names, pictures)
    except _Left as left:
        return left.features
    raise RuntimeError("the forward pass did not reach the module where it is cut")


def _run(module: nn.Module, names: tuple[str, ...], *given: Any, **named: Any) -> Any:
    # Not called as a module: `torch.export` does not expect that a module is left halfway. So the
    # module's code runs on a copy that finds something else under a child's name.
    running = copy.copy(module)
    if names:
        first, *others = names
        child = module.get_submodule(first)
        if others and isinstance(child, nn.ModuleList):
            # Its children are called one by one, and not by their names.
            vars(running)[first] = _with(child, others)
        elif isinstance(module, nn.Sequential):
            running = _with(module, names)
        else:
            vars(running)[first] = _leaving(child, others)
    return type(module).forward(running, *given, **named)


def _leaving(module: nn.Module, names: Sequence[str]) -> Callable[..., Any]:
    """Return what runs a module until the one with a path in it has given its output."""
    return partial(_run, module, tuple(names)) if names else partial(_leave, module)


def _with(parts: nn.Module, names: Sequence[str]) -> nn.Module:
    """Return a sequence or list of modules, of which one is left halfway."""
    first, *others = names
    other = copy.copy(parts)
    children: dict[str, Any] = dict(parts._modules)  # noqa: SLF001
    children[first] = _leaving(parts.get_submodule(first), others)
    vars(other)["_modules"] = children
    return other


def _shallow(module: nn.Module) -> nn.Module:
    """Return a module with the same parameters and children, whose children can be exchanged."""
    other = copy.copy(module)
    other._modules = dict(module._modules)  # noqa: SLF001
    return other


def _rest(network: nn.Module, path: str) -> tuple[fx.Graph, set[str]]:
    """Return the graph of everything after a module, and the names of what runs before it."""
    shapes = on_meta(network)
    found, taken = None, 0
    for size in dict.fromkeys((*_named_sizes(network), *SIZES)):
        if taken == SIZES_COMPARED:
            break
        try:
            with torch.no_grad():
                shapes(torch.empty(2, 3, size, size, device="meta"))
        except Exception:  # noqa: S112 - the network's own code, which may raise anything at all
            continue
        taken += 1
        # Numbers of pictures and sizes that differ must not matter to what comes after.
        traced = [_traced(shapes, path, count, size) for count in (2, 3)]
        found = found or traced[0]
        codes = {str(graph.python_code("self").src) for graph, _ in (found, *traced)}
        if len(codes) > 1:
            raise NoCutError("the size of the picture is needed after it")
    if found is None:
        raise TraceError("takes no pictures of a usual size")
    return found


def _named_sizes(network: nn.Module) -> Iterator[int]:
    """Yield the sizes of pictures that a network names, as those of timm and torchvision do."""
    config = getattr(network, "pretrained_cfg", None)
    sizes: Iterable[Any] = (
        *((config or {}).get("input_size", ())[-1:] if hasattr(config, "get") else ()),
        getattr(network, "image_size", None),
        getattr(network, "img_size", None),
    )
    yield from (size for size in sizes if isinstance(size, int))


def _traced(network: nn.Module, path: str, count: int, size: int) -> tuple[fx.Graph, set[str]]:
    root = copy.copy(network)
    given = torch.empty(count, 3, size, size, device="meta")
    conversion = getattr(network, CONVERSION, None)
    if isinstance(conversion, nn.Module):
        given = conversion(given)
    forward = type(network).forward

    def rest(self: nn.Module) -> Any:
        return forward(self, given)

    root.__class__ = type(type(network).__name__, (type(network),), {"forward": rest})
    tracer = _Rest(path)
    with tracing(root, lambda _, name: path.startswith(f"{name}.")), torch.no_grad():
        try:
            graph = tracer.trace(root)
        except NoCutError:
            raise
        except Exception as error:
            # Tracing runs the network's own code, which may raise anything at all.
            raise TraceError("depends on its input in a way that cannot be traced") from error
    if not tracer.reached:
        raise NoCutError(f"the network's forward pass does not run `{path}` by itself")
    if any(
        node.op == "get_attr" and "_tensor_constant" in str(node.target) for node in graph.nodes
    ):
        raise NoCutError("something besides its output is also needed after it")
    return finished(graph), tracer.earlier


class _Rest(fx.Tracer):
    """Runs a network as it is up to a module, and traces what comes after it."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._thread = threading.get_ident()
        self.earlier: set[str] = set()
        self.reached = False

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        return not self._path.startswith(f"{module_qualified_name}.")

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
        name = self.path_of_module(m)
        if self.reached:
            if name == self._path:
                raise NoCutError(f"the network runs `{name}` more than once")
            return super().call_module(m, forward, args, kwargs)
        output = forward(*args, **kwargs)
        if self._path.startswith(f"{name}."):
            # It contains the module where the network is cut.
            return output
        self.earlier.add(name)
        if name != self._path:
            return output
        if not isinstance(output, Tensor):
            raise NoCutError(f"`{name}` does not return one tensor")
        self.reached = True
        return self.create_proxy("placeholder", "features", (), {})

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if threading.get_ident() != self._thread or not self.reached:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)
