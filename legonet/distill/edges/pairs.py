"""Drawing pairs of pseudo-gradients: one output gradient and one set of maps for both sides.

The pairs do not depend on the adapter (section 3.2 of the paper), so they are made only once. Where
maps are random, the student's side does not depend on the teacher either, so it is made once for
all edges into a task module.
"""

from __future__ import annotations

from itertools import cycle, islice
from math import ceil, prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.gates import activation_rates, random_gates, teacher_gates
from legonet.distill.pseudo_gradients.moments import Pairs
from legonet.distill.pseudo_gradients.options import PseudoGradientOptions
from legonet.distill.pseudo_gradients.student_pool import Drawn, StudentSide
from legonet.distill.pseudo_gradients.surrogate import Gates, Surrogate
from legonet.distill.randomness import generator

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.pseudo_gradients.gates import Places

LARGEST_BATCH = 2**18
"""Most numbers in the input gradients of one batch; maps inside a network have many times that."""

DRAWN_BY = set(PseudoGradientOptions.model_fields) - {"norm", "adapter_relus"}
"""Options that determine a student side."""


def draw_pairs(
    context: EdgeContext,
    options: PseudoGradientOptions,
    purpose: str,
    relus: int = 1,
    side: StudentSide | None = None,
) -> Iterator[Pairs]:
    """Yield batches with ``options.pairs`` pairs of pseudo-gradients in all.

    Args:
        context: The edge.
        options: Maps, places and output gradient.
        purpose: The stream of random numbers; a different one gives held-out pairs.
        relus: How many the adapter has, for maps of its own.
        side: The student's side, if already known (see `shared_side`).

    Raises:
        DiagnosticError: A layer without a surrogate, outputs that cannot share G', or a grid of
            outputs that is incompatible with the options (``LEGO601`` to ``LEGO603``).
    """
    teacher = _enlarged(context.teacher, options)
    random = generator(context.seed, f"{purpose}, adapter")
    batches: Iterable[Drawn] = side or _draw(context, options, purpose)
    done = 0
    for drawn in batches:
        context.report(f"pseudo-gradients {done}/{options.pairs}")
        other = teacher.pseudo_gradient(drawn.given.to(context.device), drawn.gates)
        maps = _adapter_maps(drawn.gradient, options, relus, random)
        yield Pairs(drawn.gradient, other, maps)
        done += len(drawn.gradient)


def shared_side(
    context: EdgeContext, options: PseudoGradientOptions, purpose: str
) -> StudentSide | None:
    """Return the student's side from the edge's pool, made if necessary.

    None where it depends on the teacher or is larger than the pool.
    """
    if "teacher" in (options.relu_maps, options.max_pools):
        return None
    student, teacher = (_enlarged(side, options) for side in (context.student, context.teacher))
    maps = sum(prod(shape) for shape in teacher.shapes.relus)
    size = options.pairs * (prod(student.shape) * 4 + maps // 8 + prod(teacher.shapes.output) * 4)
    if not context.pool.takes(size):
        return None
    key: Hashable = (
        options.model_dump_json(include=DRAWN_BY),
        (context.seed, purpose, str(context.device)),
        (student.shapes, teacher.shapes, student.statistics),
        tuple(tuple(share.flatten().tolist()) for share in _shares(context, options)),
    )
    return context.pool.get(
        context.edge.task_module, key, lambda: StudentSide(_draw(context, options, purpose))
    )


def _draw(context: EdgeContext, options: PseudoGradientOptions, purpose: str) -> Iterator[Drawn]:
    """Yield the student's side batch by batch."""
    random = generator(context.seed, purpose)
    student, teacher = (_enlarged(side, options) for side in (context.student, context.teacher))
    batch = max(1, min(32, LARGEST_BATCH // prod(student.shape)))
    gates = _gates(context, student, teacher, options, batch, random)
    for number in range(ceil(options.pairs / batch)):
        context.report(f"pseudo-gradients {number * batch}/{options.pairs}")
        own, other = next(gates)
        count = min(batch, options.pairs - number * batch)
        given = _output_gradients(student, teacher, options.output_gradient, count, random)
        gradient = student.pseudo_gradient(given[0].to(context.device), _first(own, count))
        yield Drawn(gradient, given[1], _first(other, count))


def _enlarged(surrogate: Surrogate, options: PseudoGradientOptions) -> Surrogate:
    if options.output_grid > 1 and "teacher" in (options.relu_maps, options.max_pools):
        raise DiagnosticError.of(
            "LEGO603",
            "no grid of outputs: the teacher's maps have the size of its usual feature maps",
            label="`output_grid` above 1",
            help=["use `relu_maps: random` or `activation_rates`, or leave `output_grid` at 1"],
        )
    return surrogate.enlarged(options.output_grid)


def _gates(
    context: EdgeContext,
    student: Surrogate,
    teacher: Surrogate,
    options: PseudoGradientOptions,
    count: int,
    random: torch.Generator,
) -> Iterator[tuple[Gates, Gates]]:
    """Yield gates for both sides; maps and pools are each drawn or the teacher's own."""
    taught = _teacher_gates(
        context, options.relu_places if options.relu_maps == "teacher" else "none", count
    )
    drawn = _random_gates(context, student, teacher, options, count, random)
    while True:
        if options.relu_maps == "teacher":
            maps = pools = next(taught)
        else:
            maps = next(drawn)
            pools = next(taught) if options.max_pools == "teacher" else maps
        if options.max_pools == "average":
            pools = _averaged(pools[0]), _averaged(pools[1])
        own, other = (Gates(one.relus, two.pools) for one, two in zip(maps, pools, strict=True))
        yield own, other


def _averaged(gates: Gates) -> Gates:
    return Gates(gates.relus, (None,) * len(gates.pools))


def _random_gates(
    context: EdgeContext,
    student: Surrogate,
    teacher: Surrogate,
    options: PseudoGradientOptions,
    count: int,
    random: torch.Generator,
) -> Iterator[tuple[Gates, Gates]]:
    shares = _shares(context, options) or [torch.tensor(options.positive_share)] * len(
        student.shapes.relus
    )
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


def _shares(context: EdgeContext, options: PseudoGradientOptions) -> Sequence[Tensor]:
    """Return the share of ones in each ReLU's maps, where it is measured."""
    if options.relu_maps != "activation_rates":
        return ()
    own = [y for (y,) in context.batches(context.familiar.own_images, context.modules[1])]
    return activation_rates(context.student, own)


def _teacher_gates(
    context: EdgeContext, places: Places, count: int
) -> Iterator[tuple[Gates, Gates]]:
    """Yield the teacher's maps on the best available pictures, over and over."""
    pictures = context.target or context.familiar
    features = context.outputs(pictures.images, context.modules[0])
    for positions in _rounds(len(features), count):
        yield teacher_gates(context.student, context.teacher, features[positions], places=places)


def _rounds(length: int, count: int) -> Iterator[list[int]]:
    positions = cycle(range(length))
    while True:
        yield list(islice(positions, count))


def _first(gates: Gates, count: int) -> Gates:
    return Gates(
        tuple(None if gate is None else gate[:count] for gate in gates.relus),
        tuple(None if gate is None else gate[:count] for gate in gates.pools),
    )


def _adapter_maps(
    like: Tensor, options: PseudoGradientOptions, relus: int, random: torch.Generator
) -> tuple[Tensor, ...]:
    """Draw maps for the adapter's own ReLUs, where they are of the second kind."""
    if options.adapter_relus == "identity":
        return ()
    count, channels, *map_size = like.shape
    shape = (count, 1 if options.channel_shared else channels, *map_size)
    drawn = (torch.rand(shape, generator=random) for _ in range(relus))
    return tuple((values < options.positive_share).to(like.device) for values in drawn)


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
