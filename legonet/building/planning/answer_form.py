"""Whether a network's answers have the form that its goal and its labels ask for."""

from __future__ import annotations

from legonet.diagnostics import DiagnosticError
from legonet.graph.resolved import ResolvedEdge, ResolvedNetwork

PLACES = ("mask", "boxes", "points", "depth")
"""The kinds of right answers that say where something is."""


def check_axes(network: ResolvedNetwork, answer: tuple[int, ...]) -> None:
    """Check that a network's answer about a picture has as many axes as its goal needs.

    Raises:
        DiagnosticError: It has others (``LEGO523``).
    """
    axes = len(network.goal.answer_shape(1, answer[-1]))
    if len(answer) != axes:
        raise DiagnosticError.of(
            "LEGO523",
            f"expected {axes} ax{'es' if axes > 1 else 'is'} in an answer for {network.goal}, "
            f"found {len(answer)}: {'x'.join(map(str, answer))}",
            label=f"no answers for {network.goal}",
            help=["say with `goal` what the network answers, or change its last layers"],
        )


def check_labels(network: ResolvedNetwork, outputs: int, labels: tuple[str, ...] | None) -> None:
    """Check that a network without a recipe has as many outputs as labels.

    Args:
        network: The network.
        outputs: The first number in the shape of its answers.
        labels: What its outputs mean; None where nobody says so.

    Raises:
        DiagnosticError: It has others (``LEGO314``).
    """
    outputs = network.goal.labels_of(outputs)
    expected = 1 if network.is_single else outputs if labels is None else len(labels)
    if expected != outputs and network.dataset is None:
        raise DiagnosticError.of(
            "LEGO314",
            f"expected {expected} output{'s' * (expected != 1)}, found {outputs}",
            label="not one output for each label",
            help=["give the network `labels`, one for each of its outputs, in their order"],
        )


def check_crop(edge: ResolvedEdge, crop: float) -> None:
    """Check that a network which answers about places sees the whole picture.

    Args:
        edge: The edge.
        crop: How much of the height and width of a picture its category module uses.

    Raises:
        DiagnosticError: It sees the middle alone (``LEGO523``).
    """
    if crop < 1 and edge.goal.asks_for in PLACES:
        raise DiagnosticError.of(
            "LEGO523",
            f"{edge.goal} answers about places in the whole picture, but the network uses {crop:g} "
            "of its height and width",
            label="places would be off",
            help=["write `crop: 1` in its `input`"],
        )
