"""Drawing pairs of pseudo-gradients: one output gradient and one set of maps for both sides.

The pairs depend on no adapter (section 3.2 of the paper), so that they are made once.
"""

from __future__ import annotations

from itertools import cycle, islice
from math import prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legonet.diagnostics import DiagnosticError
from legonet.distill.convolutional import convolutional
from legonet.distill.gates import activation_rates, random_gates, teacher_gates
from legonet.distill.moments import Pairs
from legonet.distill.randomness import generator
from legonet.distill.surrogate import Gates, Surrogate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from legonet.distill.joint import Joint
    from legonet.spec.methods import BackDistillation

LARGEST_BATCH = 2**22
"""Numbers in the input gradients of one batch."""


def draw_pairs(joint: Joint, options: BackDistillation, purpose: str) -> Iterator[Pairs]:
    """Yield batches with ``options.pairs`` pairs of pseudo-gradients in all.

    Args:
        joint: The edge.
        options: Maps, places and output gradient.
        purpose: The stream of random numbers; another one gives held-out pairs.

    Raises:
        DiagnosticError: A layer without surrogate, outputs that cannot share G', or a grid of
            outputs that does not go with the options (``LEGO601`` to ``LEGO603``).
    """
    random = generator(joint.seed, purpose)
    student, teacher = (_enlarged(side, options) for side in (joint.student, joint.teacher))
    batch = max(1, min(32, LARGEST_BATCH // prod(student.shape)))
    gates = _gates(joint, student, teacher, options, batch, random)
    drawn = 0
    while drawn < options.pairs:
        joint.report(f"pseudo-gradients {drawn}/{options.pairs}")
        own, other = next(gates)
        count = min(batch, options.pairs - drawn)
        given = _output_gradients(student, teacher, options.output_gradient, count, random)
        sides = zip((student, teacher), given, (own, other), strict=True)
        yield Pairs(
            *(
                side.pseudo_gradient(gradient.to(joint.device), _first(maps, count))
                for side, gradient, maps in sides
            )
        )
        drawn += count


def _enlarged(surrogate: Surrogate, options: BackDistillation) -> Surrogate:
    if options.output_grid == 1:
        return surrogate
    if options.relu_maps == "teacher":
        raise DiagnosticError.of(
            "LEGO603",
            "no grid of outputs: the teacher's maps have the size of its usual feature maps",
            label="`output_grid` above 1",
            help=["use `relu_maps: random` or `activation_rates`, or leave `output_grid` at 1"],
        )
    return Surrogate(*convolutional(surrogate.layers, surrogate.shape, options.output_grid))


def _gates(
    joint: Joint,
    student: Surrogate,
    teacher: Surrogate,
    options: BackDistillation,
    count: int,
    random: torch.Generator,
) -> Iterator[tuple[Gates, Gates]]:
    if options.relu_maps == "teacher":
        yield from _teacher_gates(joint, options.relu_places, count)
    shares: Sequence[Tensor] = [torch.tensor(options.positive_share) for _ in student.shapes.relus]
    if options.relu_maps == "activation_rates":
        own = [y for (y,) in joint.batches(joint.familiar.images, joint.modules[1])]
        shares = activation_rates(joint.student, own)
    while True:
        yield random_gates(
            student,
            teacher,
            count,
            shares,
            random,
            places=options.relu_places,
            channel_shared=options.channel_shared,
        )


def _teacher_gates(joint: Joint, places: str, count: int) -> Iterator[tuple[Gates, Gates]]:
    """Yield the teacher's maps on the best pictures there are, over and over."""
    pictures = joint.target or joint.familiar
    features = joint.outputs(pictures.images, joint.modules[0])
    kept = {"all": None, "lowest": 1, "none": 0}[places]
    for positions in _rounds(len(features), count):
        both = teacher_gates(joint.student, joint.teacher, features[positions])
        own, other = (
            Gates(
                tuple(
                    gate if kept is None or place < kept else None
                    for place, gate in enumerate(gates.relus)
                ),
                gates.pools,
            )
            for gates in both
        )
        yield own, other


def _rounds(length: int, count: int) -> Iterator[list[int]]:
    positions = cycle(range(length))
    while True:
        yield list(islice(positions, count))


def _first(gates: Gates, count: int) -> Gates:
    return Gates(
        tuple(None if gate is None else gate[:count] for gate in gates.relus),
        tuple(None if gate is None else gate[:count] for gate in gates.pools),
    )


def _output_gradients(
    student: Surrogate, teacher: Surrogate, kind: str, count: int, random: torch.Generator
) -> tuple[Tensor, Tensor]:
    own, other = student.shapes.output, teacher.shapes.output
    if kind == "constant":
        return torch.ones(count, *own), torch.ones(count, *other)
    if own != other:
        raise DiagnosticError.of(
            "LEGO602",
            f"a random output gradient needs outputs of one shape, but the task module gives "
            f"{list(own)} and the teacher {list(other)}",
            label="outputs differ",
            help=["use `output_gradient: constant`"],
        )
    drawn = torch.rand(count, *own, generator=random) * 2 - 1
    return drawn, drawn
