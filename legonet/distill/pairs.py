"""Drawing pairs of pseudo-gradients: one output gradient and one set of maps for both sides.

The pairs depend on no adapter (section 3.2 of the paper), so that they are made once, and where
maps are random the student's side not on the teacher either, so that it is made once for all
edges onto a task module.
"""

from __future__ import annotations

from itertools import cycle, islice
from math import ceil, prod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from legonet.diagnostics import DiagnosticError
from legonet.distill.convolutional import convolutional
from legonet.distill.gates import activation_rates, random_gates, teacher_gates
from legonet.distill.moments import Pairs
from legonet.distill.randomness import generator
from legonet.distill.student_pool import Drawn, StudentSide
from legonet.distill.surrogate import Gates, Surrogate

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from legonet.distill.gates import Places
    from legonet.distill.joint import Joint
    from legonet.spec.methods import BackDistillation

LARGEST_BATCH = 2**18
"""Numbers in the input gradients of one batch; the maps inside a network are many times that."""

DRAWS_NOTHING = {
    *("init", "preset", "steps", "learning_rate", "batch_size", "reordered"),
    *("views", "weight", "scale", "norm", "adapter_relus"),
}
"""Options that do not determine a student side."""


def draw_pairs(
    joint: Joint,
    options: BackDistillation,
    purpose: str,
    convolutions: int = 1,
    side: StudentSide | None = None,
) -> Iterator[Pairs]:
    """Yield batches with ``options.pairs`` pairs of pseudo-gradients in all.

    Args:
        joint: The edge.
        options: Maps, places and output gradient.
        purpose: The stream of random numbers; another one gives held-out pairs.
        convolutions: How many the adapter has, for maps of its own ReLUs.
        side: The student's side, where it is known (see `shared_side`).

    Raises:
        DiagnosticError: A layer without surrogate, outputs that cannot share G', or a grid of
            outputs that does not go with the options (``LEGO601`` to ``LEGO603``).
    """
    teacher = _enlarged(joint.teacher, options)
    random = generator(joint.seed, f"{purpose}, adapter")
    batches: Iterable[Drawn] = side or _draw(joint, options, purpose)
    done = 0
    for drawn in batches:
        joint.report(f"pseudo-gradients {done}/{options.pairs}")
        other = teacher.pseudo_gradient(drawn.given.to(joint.device), drawn.gates)
        maps = _adapter_maps(drawn.gradient, options, convolutions, random)
        yield Pairs(drawn.gradient, other, maps)
        done += len(drawn.gradient)


def shared_side(joint: Joint, options: BackDistillation, purpose: str) -> StudentSide | None:
    """Return the student's side from the edge's pool, made if need be.

    None where it depends on the teacher, or is larger than the pool.
    """
    if "teacher" in (options.relu_maps, options.max_pools):
        return None
    student, teacher = (_enlarged(side, options) for side in (joint.student, joint.teacher))
    maps = sum(prod(shape) for shape in teacher.shapes.relus)
    size = options.pairs * (prod(student.shape) * 4 + maps // 8 + prod(teacher.shapes.output) * 4)
    if not joint.pool.takes(size):
        return None
    key: Hashable = (
        options.model_dump_json(exclude=DRAWS_NOTHING),
        (joint.seed, purpose, str(joint.device)),
        (student.shapes, teacher.shapes),
        tuple(tuple(share.flatten().tolist()) for share in _shares(joint, options)),
    )
    return joint.pool.get(
        joint.edge.task_module, key, lambda: StudentSide(_draw(joint, options, purpose))
    )


def _draw(joint: Joint, options: BackDistillation, purpose: str) -> Iterator[Drawn]:
    """Yield the student's side batch by batch."""
    random = generator(joint.seed, purpose)
    student, teacher = (_enlarged(side, options) for side in (joint.student, joint.teacher))
    batch = max(1, min(32, LARGEST_BATCH // prod(student.shape)))
    gates = _gates(joint, student, teacher, options, batch, random)
    for number in range(ceil(options.pairs / batch)):
        joint.report(f"pseudo-gradients {number * batch}/{options.pairs}")
        own, other = next(gates)
        count = min(batch, options.pairs - number * batch)
        given = _output_gradients(student, teacher, options.output_gradient, count, random)
        gradient = student.pseudo_gradient(given[0].to(joint.device), _first(own, count))
        yield Drawn(gradient, given[1], _first(other, count))


def _enlarged(surrogate: Surrogate, options: BackDistillation) -> Surrogate:
    if options.output_grid == 1:
        return surrogate
    if "teacher" in (options.relu_maps, options.max_pools):
        raise DiagnosticError.of(
            "LEGO603",
            "no grid of outputs: the teacher's maps have the size of its usual feature maps",
            label="`output_grid` above 1",
            help=["use `relu_maps: random` or `activation_rates`, or leave `output_grid` at 1"],
        )
    return Surrogate.of(*convolutional(surrogate.module, surrogate.shape, options.output_grid))


def _gates(
    joint: Joint,
    student: Surrogate,
    teacher: Surrogate,
    options: BackDistillation,
    count: int,
    random: torch.Generator,
) -> Iterator[tuple[Gates, Gates]]:
    """Yield gates for both sides, maps and pools each drawn or the teacher's own."""
    taught = _teacher_gates(
        joint, options.relu_places if options.relu_maps == "teacher" else "none", count
    )
    drawn = _random_gates(joint, student, teacher, options, count, random)
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
    joint: Joint,
    student: Surrogate,
    teacher: Surrogate,
    options: BackDistillation,
    count: int,
    random: torch.Generator,
) -> Iterator[tuple[Gates, Gates]]:
    shares = _shares(joint, options) or [torch.tensor(options.positive_share)] * len(
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


def _shares(joint: Joint, options: BackDistillation) -> Sequence[Tensor]:
    """Return the share of ones in each ReLU's maps, where it is measured."""
    if options.relu_maps != "activation_rates":
        return ()
    own = [y for (y,) in joint.batches(joint.familiar.images, joint.modules[1])]
    return activation_rates(joint.student, own)


def _teacher_gates(joint: Joint, places: Places, count: int) -> Iterator[tuple[Gates, Gates]]:
    """Yield the teacher's maps on the best pictures there are, over and over."""
    pictures = joint.target or joint.familiar
    features = joint.outputs(pictures.images, joint.modules[0])
    for positions in _rounds(len(features), count):
        yield teacher_gates(joint.student, joint.teacher, features[positions], places=places)


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
    like: Tensor, options: BackDistillation, convolutions: int, random: torch.Generator
) -> tuple[Tensor, ...]:
    """Draw maps for the adapter's own ReLUs, where they are of the second kind."""
    if options.adapter_relus == "identity":
        return ()
    count, channels, *map_size = like.shape
    shape = (count, 1 if options.channel_shared else channels, *map_size)
    drawn = (torch.rand(shape, generator=random) for _ in range(convolutions))
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
