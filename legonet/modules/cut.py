"""Cutting a network in two at one of its modules: the category module and the task module."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.modules.chain import NoChainError, chain

_SUPPORTED = (
    "modules must run one behind the other, as in nested `nn.Sequential`",
    "a forward pass of its own may only call modules, flatten, relu, dropout and pooling in a row",
    "cut in front of or behind a block that branches, not inside of it",
)


def bottom(network: nn.Module, until: str) -> nn.Sequential:
    """Return everything of a network up to and with a module: the category module f.

    The layers are the network's own, not copies, and the state dict keeps the network's names.
    ``top(network, m)(bottom(network, m)(x))`` is ``network(x)`` in evaluation, bit for bit.

    Args:
        network: The specific network.
        until: Torch's own path of the last module that belongs to f, such as ``features.4``.

    Raises:
        DiagnosticError: No such module, or the network is no chain of modules around it.
    """
    return _cut(network, until)[0]


def top(network: nn.Module, after: str) -> nn.Sequential:
    """Return everything of a network behind a module: the task module g.

    Args:
        network: The specific network.
        after: Torch's own path of the last module that does not belong to g.

    Raises:
        DiagnosticError: As for `bottom`, or nothing lies behind the module.
    """
    rest = _cut(network, after)[1]
    if not len(rest):
        raise DiagnosticError.of(
            "LEGO512",
            f"nothing lies behind `{after}`, so that no task module is left",
            label="the network's last module",
            help=["cut at a module nearer to the input"],
        )
    return rest


def sequence(module: nn.Module) -> list[nn.Module]:
    """Return the layers of a module in the order in which they run.

    Chains are entered at every depth. What is no chain, such as a residual block, is one layer.
    """
    try:
        children = chain(module)
    except NoChainError:
        children = None
    if children is None:
        return [module]
    return [layer for child in children.values() for layer in sequence(child)]


def check_path(network: nn.Module, path: str) -> None:
    """Raise a `DiagnosticError` with the nearest name if a network has no module of this path."""
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


def _cut(network: nn.Module, path: str) -> tuple[nn.Sequential, nn.Sequential]:
    check_path(network, path)
    try:
        return _split(network, path.split("."))
    except NoChainError as error:
        raise DiagnosticError.of(
            "LEGO511",
            f"the network cannot be cut at `{path}`: {error}",
            label="no cut here",
            help=_SUPPORTED,
        ) from error


def _split(module: nn.Module, path: list[str]) -> tuple[nn.Sequential, nn.Sequential]:
    """Return both sides of a cut, each a tree of `nn.Sequential` with the network's names."""
    children = chain(module)
    if children is None or path[0] not in children:
        raise NoChainError(f"{type(module).__name__} does not run `{path[0]}` by itself")
    below: OrderedDict[str, nn.Module] = OrderedDict()
    above: OrderedDict[str, nn.Module] = OrderedDict()
    side = below
    for name, child in children.items():
        side[name] = child
        if name != path[0]:
            continue
        if len(path) > 1:
            below[name], rest = _split(child, path[1:])
            if len(rest):
                above[name] = rest
        side = above
    halves = nn.Sequential(below), nn.Sequential(above)
    for half in halves:
        half.training = module.training
    return halves
