"""From pictures to answers that a person can read, a batch at a time."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import numpy as np
from torch import Tensor

from legonet.data import to_tensor
from legonet.data.decode import squash
from legonet.diagnostics import DiagnosticError
from legonet.modules.joint import joint_logits
from legonet.network.prediction.pictures import Broken, GivenPicture, gathered
from legonet.network.prediction.prediction import Prediction
from legonet.network.routes import JointKey, RouteKey, edges_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.goals import Goal
    from legonet.network.prediction.pictures import Given
    from legonet.network.route import Answering

PIXELS_AT_ONCE = 2**17
"""Pixels of all pictures in a batch on the CPU, for one route; several routes share them.

What a layer makes of them stays in the caches of a processor: with four times as many, an
EfficientNet takes nearly twice as long for each picture.
"""

PIXELS_ON_A_GPU = 2**19
"""The same on other devices, which are idle between small kernels.

VGG-16, whose first layers need most memory for a pixel, takes about half a gigabyte for them.
"""

READERS = 4
"""Threads that read pictures, at most."""


def predictions(
    network: Answering,
    given: Given | Iterable[Given],
    routes: Sequence[RouteKey],
    broken: Broken | None = None,
) -> Iterator[Prediction]:
    """Give the answers to pictures, a batch at a time.

    Args:
        network: The network.
        given: Files, folders, patterns, PIL pictures or arrays.
        routes: The category and the task of each route, or what a path joins.
        broken: Hears of each picture that cannot be read; the first one raises unless given.

    Raises:
        DiagnosticError: A route is not built, or memory is short.
    """
    broken = broken or _raised
    pictures = gathered(given, broken)
    sizes = {key: network.size(*edges_of([key])[0]) for key in routes}
    largest = max(sizes.values(), default=1)
    pixels = PIXELS_AT_ONCE if network.device.type == "cpu" else PIXELS_ON_A_GPU
    at_once = max(1, pixels // (largest**2 * max(1, len(edges_of(routes)))))
    batches = [pictures[first : first + at_once] for first in range(0, len(pictures), at_once)]
    for batch in _read_ahead(batches, partial(_look, sizes=set(sizes.values()))):
        seen = []
        for found in batch:
            if isinstance(found, _Seen):
                seen.append(found)
            else:
                broken(found)
        yield from _answered(network, seen, sizes)


@dataclass(frozen=True)
class _Seen:
    """A picture as networks take it: its pixels by the size to which it was squashed."""

    picture: GivenPicture
    own_size: tuple[int, int]
    pixels: Mapping[int, NDArray[np.uint8]]


def _read_ahead(
    batches: Iterable[Sequence[GivenPicture]],
    look: Callable[[GivenPicture], _Seen | DiagnosticError],
) -> Iterator[list[_Seen | DiagnosticError]]:
    """Read batches on several threads, the next one while a batch is being answered."""
    threads = ThreadPoolExecutor(min(READERS, os.cpu_count() or 1))
    reading: deque[list[Future[_Seen | DiagnosticError]]] = deque()
    try:
        for batch in batches:
            reading.append([threads.submit(look, picture) for picture in batch])
            if len(reading) > 1:
                yield [found.result() for found in reading.popleft()]
        while reading:
            yield [found.result() for found in reading.popleft()]
    finally:
        # Whoever stops early does not wait for pictures that nobody will see.
        threads.shutdown(cancel_futures=True)


def _look(picture: GivenPicture, sizes: Iterable[int]) -> _Seen | DiagnosticError:
    """Read a picture, and return why where it cannot be read."""
    try:
        opened = picture.open()
    except DiagnosticError as error:
        return error
    pixels = {size: np.asarray(squash(opened, size)) for size in sizes}
    return _Seen(picture, opened.size, pixels)


def _answered(
    network: Answering, seen: Sequence[_Seen], sizes: Mapping[RouteKey, int]
) -> Iterator[Prediction]:
    if not seen:
        return
    alike: defaultdict[int, list[RouteKey]] = defaultdict(list)
    for key, size in sizes.items():
        alike[size].append(key)
    found: dict[RouteKey, Tensor] = {}
    for size, routes in alike.items():
        tensor = to_tensor(np.stack([item.pixels[size] for item in seen]))
        logits = network.answers(edges_of(routes), tensor)
        for key in routes:
            own = [logits[ends].float().cpu() for ends in edges_of([key])]
            found[key] = joint_logits(own) if isinstance(key, JointKey) else own[0]
    labels = {
        key: key.labels if isinstance(key, JointKey) else network.labels(*key) for key in sizes
    }
    goals = {key: network.graph.edge(*edges_of([key])[0]).goal for key in sizes}
    for number, item in enumerate(seen):
        for key in sizes:
            yield _prediction(item, key, goals[key], labels[key], found[key][number])


def _prediction(
    seen: _Seen, key: RouteKey, goal: Goal, labels: tuple[str, ...], logits: Tensor
) -> Prediction:
    told = goal.about_picture(logits.numpy(), labels, seen.own_size)
    category, task = (None, key.task) if isinstance(key, JointKey) else key
    return Prediction(
        seen.picture,
        category,
        task,
        told.answer,
        told.probabilities,
        told.shares,
        told.mask,
        told.values,
        told.points,
        told.boxes,
        goal,
        key.path if isinstance(key, JointKey) else None,
    )


def _raised(error: DiagnosticError) -> NoReturn:
    raise error
