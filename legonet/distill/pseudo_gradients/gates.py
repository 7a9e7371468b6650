"""ReLU maps and pool switches that student and teacher share (section 3.2 of the paper).

The i-th ReLU of one task module is the partner of the i-th of the other, counted from the input.
Partners share their maps. Where their shapes differ, only a map that is the same for all channels
can be shared, resized if necessary; anything else is refused. A ReLU without a partner lets
everything through.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.options import PseudoGradientOptions
from legonet.distill.pseudo_gradients.surrogate import Gates, Surrogate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    Places = Literal["all", "lowest", "none"]

Shape = tuple[int, ...]


def random_gates(
    student: Surrogate,
    teacher: Surrogate,
    count: int,
    shares: Sequence[Tensor],
    generator: torch.Generator,
    *,
    places: Places = "all",
    channel_shared: bool = False,
) -> tuple[Gates, Gates]:
    """Draw maps ``1(x_rand > 0)`` for all partner ReLUs and a number of samples.

    Args:
        student: The surrogate of g_S.
        teacher: The surrogate of g_T.
        count: Samples.
        shares: For each ReLU of g_S its share of ones, a scalar or one per channel ``(C,)``.
        generator: A generator on the CPU.
        places: Which ReLUs have maps; the others are the identity.
        channel_shared: One map for all channels of a ReLU.

    Raises:
        DiagnosticError: Partners cannot share a map (``LEGO610``).
    """
    check_partners(student, teacher, places=places, channel_shared=channel_shared)
    drawn: list[tuple[Tensor | None, Tensor | None]] = []
    pairs = zip(student.shapes.relus, teacher.shapes.relus, shares, strict=False)
    for place, (own, other, share) in enumerate(pairs):
        if not _has_map(place, places):
            drawn.append((None, None))
        elif not channel_shared:
            columns = share.cpu().reshape(-1, *(1 for _ in own[1:]))
            passed = _draw((count, *own), columns, generator)
            drawn.append((passed, passed))
        else:
            passed = _draw((count, 1, *own[1:]), share.cpu().mean(), generator)
            drawn.append((passed, _resized(passed, other)))
    return (
        _gates(student, [pair[0] for pair in drawn], []),
        _gates(teacher, [pair[1] for pair in drawn], []),
    )


def teacher_gates(
    student: Surrogate, teacher: Surrogate, features: Tensor, *, places: Places = "all"
) -> tuple[Gates, Gates]:
    """Return the teacher's real maps and pool switches on ``f(I)``, for both sides.

    Pools of different shapes become average-pools, which need no switches.

    Raises:
        DiagnosticError: Partners cannot share a map (``LEGO610``).
    """
    check_partners(student, teacher, places=places)
    real = teacher.real_gates(features)
    relus = [gate if _has_map(place, places) else None for place, gate in enumerate(real.relus)]
    relus = relus[: len(student.shapes.relus)]
    pools = _where_alike(real.pools, student.shapes.pools, teacher.shapes.pools)
    return _gates(student, relus, pools), _gates(teacher, relus, pools)


def check_partners(
    student: Surrogate,
    teacher: Surrogate,
    *,
    places: Places = "all",
    channel_shared: bool = False,
) -> None:
    """Raise if partner ReLUs cannot share a map.

    Args:
        student: The surrogate of g_S.
        teacher: The surrogate of g_T.
        places: Which ReLUs have maps.
        channel_shared: One map for all channels of a ReLU.

    Raises:
        DiagnosticError: Their shapes differ where maps are shared by unit, or one gives a feature
            map and the other a vector (``LEGO610``).
    """
    names = zip(student.relu_names, teacher.relu_names, strict=False)
    shapes = zip(student.shapes.relus, teacher.shapes.relus, strict=False)
    for place, (pair, (own, other)) in enumerate(zip(names, shapes, strict=True)):
        shared = len(own) == len(other) if channel_shared else own == other
        if shared or not _has_map(place, places):
            continue
        raise DiagnosticError.of(
            "LEGO610",
            f"`{pair[0]}` of the task module ({_named(own)}) and `{pair[1]}` of the teacher "
            f"({_named(other)}) cannot share a map of ReLUs",
            label="partner ReLUs of different shapes",
            help=[_advice(own, other)],
        )


def implied_options(student: Surrogate, teacher: Surrogate) -> PseudoGradientOptions:
    """Return how pseudo-gradients are drawn where a spec does not say so.

    Maps are shared by unit, over channels where shapes differ, and not at all where neither is
    possible.
    """
    pairs = list(zip(student.shapes.relus, teacher.shapes.relus, strict=False))
    if all(own == other for own, other in pairs):
        return PseudoGradientOptions()
    if all(len(own) == len(other) for own, other in pairs):
        return PseudoGradientOptions(channel_shared=True)
    return PseudoGradientOptions(relu_places="none")


def activation_rates(student: Surrogate, batches: Sequence[Tensor]) -> list[Tensor]:
    """Return each channel's share of positive values in each ReLU of g_S on ``f_S(I)``."""
    totals: list[Tensor] = []
    count = 0
    for features in batches:
        maps = [gate for gate in student.real_gates(features).relus if gate is not None]
        sums = [gate.sum(dim=(0, *range(2, gate.dim()))).cpu().double() for gate in maps]
        totals = [a + b for a, b in zip(totals, sums, strict=True)] if totals else sums
        count += len(features)
    sizes = [torch.Size(shape[1:]).numel() for shape in student.shapes.relus]
    return [total / (count * size) for total, size in zip(totals, sizes, strict=True)]


def _where_alike(
    gates: Sequence[Tensor | None], own: Sequence[Shape], other: Sequence[Shape]
) -> list[Tensor | None]:
    partners = zip(gates, own, other, strict=False)
    return [gate if shape == partner else None for gate, shape, partner in partners]


def _has_map(place: int, places: Places) -> bool:
    return places == "all" or (places == "lowest" and place == 0)


def _advice(own: Shape, other: Shape) -> str:
    if len(own) == len(other):
        return "`channel_shared: true` shares one map over all channels, resized where sizes differ"
    return "one is a feature map and one a vector: use `relu_places: lowest`, or `none`"


def _named(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _draw(shape: Shape, share: Tensor, generator: torch.Generator) -> Tensor:
    return (torch.rand(shape, generator=generator) < share).float()


def _resized(passed: Tensor, shape: Shape) -> Tensor:
    if passed.shape[2:] == shape[1:]:
        return passed
    return functional.interpolate(passed, size=tuple(shape[1:]), mode="nearest")


def _gates(
    surrogate: Surrogate, relus: Sequence[Tensor | None], pools: Sequence[Tensor | None]
) -> Gates:
    """Return gates filled up with None for layers without a partner."""

    def filled(
        gates: Sequence[Tensor | None], shapes: Sequence[Shape]
    ) -> tuple[Tensor | None, ...]:
        return tuple(gate for gate, _ in zip_longest(gates[: len(shapes)], shapes))

    return Gates(filled(relus, surrogate.shapes.relus), filled(pools, surrogate.shapes.pools))
