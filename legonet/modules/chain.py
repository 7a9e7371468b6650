"""A network's forward pass as a chain of its children, one level deep."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from torch import fx, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Tree = dict[str, "nn.Module | Tree"]


class NoChainError(Exception):
    """A forward pass that does more than call one module behind the other; says what."""


def chain(module: nn.Module) -> dict[str, nn.Module] | None:
    """Return what a module calls, in the order in which it runs, or None for a single layer.

    An `nn.Sequential` is its own answer. Any other module that has children is traced by
    ``torch.fx`` without entering them; functions such as ``torch.flatten`` become the layers of
    the same name. The children are the module's own, not copies, and keep their names.

    Raises:
        NoChainError: The module branches, depends on its input's values, or calls functions that
            are no known layers.
    """
    if type(module).forward is nn.Sequential.forward:
        return _children(module)
    if next(module.children(), None) is None or type(module).__module__.startswith("torch.nn"):
        return None
    try:
        return _traced(module)
    except NoChainError as error:
        raise NoChainError(f"{type(module).__name__} {error}") from error


def _traced(module: nn.Module) -> dict[str, nn.Module]:
    steps = list(_steps(module, _trace(module)))
    tree: Tree = {}
    for path, layer in steps:
        _insert(tree, path.split("."), layer)
    if list(_leaves(tree)) != [path for path, _ in steps]:
        raise NoChainError("goes back and forth between its modules")
    return {name: _sequential(node, module.training) for name, node in tree.items()}


def _children(module: nn.Module) -> dict[str, nn.Module]:
    # named_children() leaves out a layer that stands in the sequence a second time.
    named = module.named_modules(remove_duplicate=False)
    return {name: child for name, child in named if name and "." not in name}


class _OneLevel(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002
        return True


def _trace(module: nn.Module) -> fx.Graph:
    """Trace the forward pass as it is in evaluation."""
    training, module.training = module.training, False
    try:
        return _OneLevel().trace(module)
    except Exception as error:
        # Tracing runs the network's own code, which may raise anything at all.
        raise NoChainError("depends on its input in a way that cannot be traced") from error
    finally:
        module.training = training


def _steps(module: nn.Module, graph: fx.Graph) -> Iterator[tuple[str, nn.Module]]:
    """Yield the layers of a traced graph with their paths; it must be one chain."""
    nodes = [node for node in graph.nodes if node.users or node.op == "output"]
    if nodes[0].op != "placeholder":
        raise NoChainError("does not begin with its input")
    called: set[str] = set()
    taken = {path for path, _ in module.named_modules(remove_duplicate=False)}
    prefix = ""
    for before, node in pairwise(nodes):
        if node.all_input_nodes != [before]:
            raise NoChainError(f"branches around `{node.name}`")
        if node.op == "output":
            if node.args != (before,):
                raise NoChainError("returns more than one tensor")
            return
        if node.op != "call_module":
            path, layer = _free(prefix + node.name, taken), _layer(node).train(module.training)
        else:
            path, layer = str(node.target), module.get_submodule(str(node.target))
            parent, _, name = path.rpartition(".")
            if path not in called:
                prefix = f"{parent}." if parent else ""
            elif next(layer.parameters(), None) is None:
                path = _free(prefix + name, taken)
            else:
                raise NoChainError(f"calls `{path}` more than once")
        called.add(path)
        taken.add(path)
        yield path, layer


def _free(path: str, taken: set[str]) -> str:
    while path in taken:
        path += "_"
    return path


def _layer(node: fx.Node) -> nn.Module:
    """Return the layer that does what a call of a function or method in a graph does."""
    called = getattr(node.target, "__name__", str(node.target))
    make = _LAYERS.get(called) if node.op in ("call_function", "call_method") else None
    if make is None:
        raise NoChainError(f"calls `{called}`, which is not known as a layer")
    try:
        return make(*node.args[1:], **node.kwargs)
    except (TypeError, ValueError) as error:
        raise NoChainError(f"calls `{called}` in a way that no layer has") from error


# The signatures are those of the functions. A layer that works in place would overwrite the
# features in front of a cut, so `inplace` is heard and not followed.


def _relu(inplace: bool = False) -> nn.Module:  # noqa: ARG001
    return nn.ReLU()


def _dropout(p: float = 0.5, training: bool = True, inplace: bool = False) -> nn.Module:  # noqa: ARG001
    if training:
        raise ValueError("dropout that stays on in evaluation")
    return nn.Dropout(p)


def _flatten(start_dim: int = 0, end_dim: int = -1) -> nn.Module:
    return nn.Flatten(start_dim, end_dim)


def _max_pool2d(
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> nn.Module:
    return nn.MaxPool2d(kernel_size, stride, padding, dilation, return_indices, ceil_mode)


_LAYERS: dict[str, Callable[..., nn.Module]] = {
    "relu": _relu,
    "relu_": _relu,
    "dropout": _dropout,
    "flatten": _flatten,
    "max_pool2d": _max_pool2d,
    "avg_pool2d": nn.AvgPool2d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
    "interpolate": nn.Upsample,
}
"""Functions and methods, by their names in torch, and the layers that do the same."""


def _insert(tree: Tree, path: list[str], layer: nn.Module) -> None:
    for name in path[:-1]:
        branch = tree.setdefault(name, {})
        if isinstance(branch, nn.Module):
            raise NoChainError(f"calls both `{name}` and a module inside of it")
        tree = branch
    tree[path[-1]] = layer


def _leaves(tree: Tree, prefix: str = "") -> Iterator[str]:
    for name, node in tree.items():
        if isinstance(node, nn.Module):
            yield prefix + name
        else:
            yield from _leaves(node, f"{prefix}{name}.")


def _sequential(node: nn.Module | Tree, training: bool) -> nn.Module:
    if isinstance(node, nn.Module):
        return node
    children = ((name, _sequential(child, training)) for name, child in node.items())
    container = nn.Sequential(OrderedDict(children))
    container.training = training
    return container
