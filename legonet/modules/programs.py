"""From a program of `torch.export` to a network of modules, which can be cut and traced."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.utils import _pytree as pytree

from legonet.diagnostics import DiagnosticError

_TRAINING = {"batch_norm": 5, "dropout": 2, "dropout_": 2, "feature_dropout": 2, "alpha_dropout": 2}
"""Where operations say whether they are run in training, by their names."""


def network_in(file: Path) -> nn.Module:
    """Return the network in a program, on the CPU, with the program's weights.

    A module of the network that was exported is a module of the same name, made of torch's own
    operations, none of which work in place.

    Raises:
        DiagnosticError: The program cannot be opened, was exported in training, or does not take
            pictures ``(N, 3, H, W)`` for any N.
    """
    try:
        state = file.stat()
    except OSError as error:
        reason = f"cannot be opened: {(error.strerror or str(error)).lower()}"
        raise _refused(file, reason, f"legonet looked for {file}") from error
    return deepcopy(_opened(file, state.st_size, state.st_mtime_ns))


@lru_cache(maxsize=4)
def _opened(file: Path, size: int, time: int) -> nn.Module:  # noqa: ARG001 - a file may change
    """Return the network in a program as it is now, for others to copy."""
    with torch.device("cpu"), _silent():
        try:
            program = torch.export.load(file)
            sides = _sides(program, file)
            _check_evaluation(program, file)
            if not _made_out_of_place(program.graph):
                program = program.run_decompositions({})
            _ask_own_size(program.graph)
            answer = program.call_spec.out_spec
            return _converted(torch.export.unflatten(program), answer, sides)
        except DiagnosticError:
            raise
        # torch raises whatever it meets in a file that another version of it wrote.
        except Exception as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
            raise _refused(
                file,
                f"cannot be opened: {reason}",
                f"expected what `torch.export.save` of torch {torch.__version__} wrote, or nearly",
                "export the network again with this version of torch",
            ) from error


def at_size(pictures: Any, size: tuple[int | None, int | None]) -> Any:
    """Return pictures as they are if a program was exported for pictures of their size.

    Args:
        pictures: The pictures.
        size: Height and width; None for any.

    Raises:
        ValueError: It was exported for another size.
    """
    if isinstance(pictures, fx.Proxy):
        return pictures.tracer.create_proxy("call_function", at_size, (pictures, size), {})
    found = tuple(pictures.shape[-2:])
    if any(own is not None and own != other for own, other in zip(size, found, strict=True)):
        shown = ["x".join(str(side or "any") for side in sides) for sides in (size, found)]
        raise ValueError(f"the program was exported for pictures of {shown[0]}, found {shown[1]}")
    return pictures


def _sides(program: torch.export.ExportedProgram, file: Path) -> tuple[int | None, int | None]:
    """Return the height and width that a program was exported for; None for any."""
    inputs = program.graph_signature.user_inputs
    names = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    values = [names[name].meta.get("val") for name in inputs if name in names]
    shapes = [tuple(value.shape) for value in values if isinstance(value, Tensor)]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        found = ", ".join("x".join(map(str, shape)) for shape in shapes) or "none"
        raise _refused(
            file,
            f"does not take pictures and nothing else: its inputs are {found}",
            "export a network of pictures (N, 3, H, W)",
        )
    count, _, *sides = (cast("object", side) for side in shapes[0])
    if isinstance(count, int):
        raise _refused(
            file,
            f"takes exactly {count} picture{'s' * (count != 1)} at once",
            "export it for any number: `torch.export.export(network, (pictures,), "
            'dynamic_shapes=({0: torch.export.Dim("batch")},))`, with two pictures or more',
        )
    height, width = (side if isinstance(side, int) else None for side in sides)
    return height, width


def _made_out_of_place(graph: fx.Graph) -> bool:
    """Replace operations that work in place by those that do not, and return whether all could be.

    Where something else sees the change, as a view does, it takes more than that.
    """
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if schema is None or not schema.is_mutable:
            continue
        name = schema.name.removeprefix("aten::")
        whole = getattr(torch.ops.aten, name.removesuffix("_"), None)
        changed = node.args[0] if node.args else None
        if (
            not name.endswith("_")
            or not isinstance(changed, fx.Node)
            or changed.op != "call_function"
            or _gives_a_view(changed)
            or any(order[user] > order[node] for user in changed.users)
            or whole is None
            or (schema.overload_name or "default") not in whole.overloads()
        ):
            return False
        node.target = getattr(whole, schema.overload_name or "default")
    return True


def _gives_a_view(node: fx.Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is None or any(result.alias_info for result in schema.returns)


def _ask_own_size(graph: fx.Graph) -> None:
    """Take the number of pictures from what an operation works on, and not from the pictures.

    An exporter asks the pictures once, and then the pictures would cross every cut.
    """
    size = torch.ops.aten.sym_size.int
    asked = {
        node: str(node.meta.get("val"))
        for node in graph.nodes
        if node.target is size and node.args[1] == 0 and node.args[0].op == "placeholder"
    }
    for node in list(graph.nodes):
        for number in [item for item in node.all_input_nodes if item in asked]:
            values = [(item, item.meta.get("val")) for item in node.all_input_nodes]
            counts = {
                item: str(value.shape[0])
                for item, value in values
                if isinstance(value, Tensor) and value.ndim
            }
            own = next((item for item in counts if counts[item] == asked[number]), None)
            if own is not None and own is not number.args[0]:
                with graph.inserting_before(node):
                    count = graph.call_function(size, (own, 0))
                count.meta = {**node.meta, "val": number.meta.get("val")}
                node.replace_input_with(number, count)


def _converted(
    part: nn.Module, answer: pytree.TreeSpec | None = None, size: tuple[int | None, ...] = ()
) -> nn.Module:
    """Return a part of an unflattened program as a plain graph of layers and functions.

    Args:
        part: The part; its tensors are used, not copied.
        answer: The structure of the whole program's answer; None for a part within it.
        size: The height and width of its pictures, for the whole program.
    """
    graph: Any = getattr(part, "graph", None)
    if not isinstance(graph, fx.Graph):
        return part
    plain = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        if node.op == "output":
            found = fx.node.map_arg(node.args[0], copies.__getitem__)
            plain.output(found if answer is None else pytree.tree_unflatten(list(found), answer))
            continue
        copies[node] = plain.node_copy(node, copies.__getitem__)
        # What the exporter knew of a tensor would only be copied along.
        copies[node].meta = {}
        if size and node.op == "placeholder":
            copies[node] = plain.call_function(at_size, (copies[node], size))
    root = nn.Module()
    for name, child in part.named_children():
        root.add_module(name, _converted(child))
    for name, parameter in part.named_parameters(recurse=False):
        root.register_parameter(name, parameter)
    kept = part.state_dict().keys()
    for name, buffer in part.named_buffers(recurse=False):
        root.register_buffer(name, buffer, persistent=name in kept)
    for name, constant in vars(part).items():
        if isinstance(constant, Tensor):
            root.register_buffer(name, constant, persistent=False)
    return fx.GraphModule(root, plain, class_name=_class_name(part))


def _class_name(part: nn.Module) -> str:
    name = str(getattr(part, "ty", None) or "Program").rpartition(".")[2]
    return name if name.isidentifier() else "Program"


def _check_evaluation(program: torch.export.ExportedProgram, file: Path) -> None:
    for node in program.graph.nodes:
        operation = getattr(node.target, "_opname", "")
        place = _TRAINING.get(operation)
        if place is not None and len(node.args) > place and node.args[place] is True:
            raise _refused(
                file,
                f"was exported in training: `{operation}` runs so",
                "export it again after `network.eval()`",
            )


def _refused(file: Path, reason: str, *advice: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO501",
        f"the program `{file.name}` {reason}",
        label="not such a program",
        help=list(advice),
    )


@contextmanager
def _silent() -> Iterator[None]:
    """Keep torch from printing what a diagnostic will say."""
    logger = logging.getLogger("torch.export")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
