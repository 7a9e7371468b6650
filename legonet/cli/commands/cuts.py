"""``legonet cuts``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from legonet.cli.arguments import json_document, overrides, settings, trust
from legonet.cli.output import document
from legonet.cli.tables import counted, lines, width
from legonet.diagnostics import DiagnosticError, Severity, did_you_mean

if TYPE_CHECKING:
    from legonet.building.planning.cuts import Cut, Joint
    from legonet.graph import ModuleGraph


@click.command
@click.argument("spec", metavar="SPEC|MODEL")
@click.argument("network", metavar="[NETWORK]", required=False)
@click.option(
    "--against",
    metavar="NETWORK",
    help="Show which cuts of NETWORK (the category's) and of this one (the task's) go together.",
)
@click.option(
    "--size",
    metavar="PIXELS",
    type=click.IntRange(min=1),
    help="Height and width of the pictures; default: those of the network in SPEC, or 224.",
)
@settings
@trust
@json_document
def cuts(
    spec: str,
    network: str | None,
    against: str | None,
    size: int | None,
    settings: tuple[str, ...],
    trust: tuple[Path, ...],
    as_json: bool,
) -> None:
    """List every module after which a network can be cut.

    NETWORK is a network of SPEC; it can be left out if there is only one. Without a spec, give a
    model, such as 'timm.resnet18(num_classes: 10)'. No weights are read.
    """
    from legonet.building.planning.cuts import joints, network_cuts, picture_size

    graph = _graph(spec, settings, trust)
    name = _named(graph, network)
    pixels = size or picture_size(graph, name)
    found = network_cuts(graph.model(name), pixels)
    if against is None:
        if as_json:
            document({"network": name, "size": pixels, "cuts": [cut.to_json() for cut in found]})
        else:
            _print(_cut_lines(name, pixels, found))
        return
    other = _named(graph, against)
    others = network_cuts(graph.model(other), size or picture_size(graph, other))
    joined = joints(found, others)
    if as_json:
        pairs = [joint.to_json() for row in joined for joint in row]
        document({"network": name, "against": other, "joints": pairs})
    else:
        _print(_joint_lines(name, other, joined))


def _graph(spec: str, settings: Sequence[str], trust: Sequence[Path]) -> ModuleGraph:
    """Return the graph of a spec, or of one that has nothing but a model."""
    from legonet.graph.load import check_file, of_model

    path = Path(spec)
    if path.suffix == ".lego" or path.exists():
        graph, found = check_file(path, overrides(settings), trust)
    else:
        graph, found = of_model(spec, trust)
    # A network can be looked at while other statements have mistakes.
    errors = [item for item in found if item.severity is Severity.ERROR]
    if errors and not graph.spec.networks:
        raise DiagnosticError(*errors)
    return graph


def _named(graph: ModuleGraph, name: str | None) -> str:
    """Return the name of a network, or raise an error if there is no such network."""
    known = list(graph.spec.networks)
    if name is None and len(known) == 1:
        return known[0]
    if name in known:
        return str(name)
    names = ", ".join(f"`{item}`" for item in known) or "none"
    raise DiagnosticError.of(
        "LEGO708",
        "expected the name of a network" + ("" if name is None else f", found `{name}`"),
        help=[
            *([] if name is None else did_you_mean(name, known, "network")),
            f"the networks are {names}",
        ],
    )


def _cut_lines(name: str, size: int, cuts: Sequence[Cut]) -> Iterator[str]:
    rows = [
        (
            cut.point.name,
            cut.point.layout.words,
            "signed" if cut.point.signed else "",
            f"{cut.point.layers[0]}/{sum(cut.point.layers)}",
            f"{_short(cut.point.parameters[0])} + {_short(cut.point.parameters[1])}",
            "yes" if cut.no_gradients is None else "",
        )
        for cut in cuts
    ]
    heads = ("cut after", "features", "sign", "layer", "parameters", "pseudo-gradients")
    yield from lines(heads, rows, width(), right=("layer", "parameters"))
    yield f"{counted(len(cuts), 'cut')} of {name} with pictures of {size}x{size}"
    blocked = next((cut for cut in reversed(cuts) if cut.no_gradients is not None), None)
    if blocked is not None:
        yield (
            "back_distillation needs pseudo-gradients through all that follows; every other method "
            f"works at each cut. After {blocked.point.name}: {blocked.no_gradients}"
        )


def _joint_lines(name: str, other: str, joined: Sequence[Sequence[Joint]]) -> Iterator[str]:
    rows = [
        (
            row[0].after.name,
            row[0].after.layout.words,
            row[0].until.name,
            row[0].until.layout.words,
            row[0].resized or "",
            str(len([joint for joint in row if joint.resized is None]) or ""),
        )
        for row in joined
        if row
    ]
    heads = (
        f"after ({other})",
        "takes",
        f"until ({name}), the nearest",
        "gives",
        "resized",
        "of this size",
    )
    yield from lines(heads, rows, width(), right=("of this size",))


def _print(found: Iterator[str]) -> None:
    for line in found:
        click.echo(line)


def _short(number: int) -> str:
    """Return a number such as ``912``, ``1.2 k`` or ``23.5 M``."""
    for unit in ("", " k", " M"):
        if number < 999.5:
            return f"{number:.3g}{unit}" if unit else str(number)
        number /= 1000  # type: ignore[assignment]
    return f"{number:.3g} G"
