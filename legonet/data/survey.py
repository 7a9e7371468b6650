"""All pictures of a source looked at once: what cannot be read, and what is there twice."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING

from legonet.data.decode import CHUNK
from legonet.data.right_answers import RIGHT_ANSWERS
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.goals import VOID

if TYPE_CHECKING:
    from legonet.data.source import Example, Source, Split

AT_ONCE = 2**24
"""Bytes of the pictures that one thread reads at once."""

MOST_THREADS = 8
"""Threads that decode."""

Place = tuple["Split", "Example"]
"""Where a picture is."""

Report = Callable[[int, int], None]
"""Is told how many pictures of how many were looked at."""


@dataclass(frozen=True)
class Asked:
    """What a spec reads of a source.

    Args:
        source: The source.
        size: Height and width in pixels.
        pictures: The pictures of each split.
        masks: For the pictures whose masks are read, the categories of these masks.
        answers: Which other right answers are read, as `RIGHT_ANSWERS` names them, with the labels
            of the network that asks for them.
    """

    source: Source
    size: int
    pictures: Mapping[Split, Sequence[Example]]
    masks: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)
    answers: Sequence[tuple[str, tuple[str, ...]]] = ()


@dataclass(frozen=True)
class Damage:
    """A picture, or what is known of it, that cannot be read.

    Args:
        place: Where it is.
        diagnostics: Why.
    """

    place: Place
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Survey:
    """What was found in the pictures of a source.

    Args:
        damages: What cannot be read, in the order of the source.
        alike: Groups of pictures that are the same in every pixel at the size at which they are
            read.
        empty: Pictures of a category whose masks have no pixel of it.
    """

    damages: tuple[Damage, ...]
    alike: tuple[tuple[Place, ...], ...]
    empty: tuple[Place, ...]


@dataclass
class _Seen:
    """What one thread has found in a few pictures."""

    digests: list[tuple[Place, bytes]] = field(default_factory=list)
    damages: list[Damage] = field(default_factory=list)
    empty: list[Place] = field(default_factory=list)
    count: int = 0


def untold(seen: int, total: int) -> None:
    """Tell nobody about the progress."""


def survey(asked: Asked, report: Report = untold) -> Survey:
    """Read all pictures that a spec asks for, a few at a time on several threads.

    Nothing of them is kept but digests, so that memory does not grow with their size. After an
    interruption the threads end with the pictures that they are reading.

    Args:
        asked: Which pictures, and what of them.
        report: Is told about the progress.
    """
    total = sum(len(examples) for examples in asked.pictures.values())
    places: dict[bytes, list[Place]] = {}
    damages: list[Damage] = []
    empty: list[Place] = []
    count = 0
    for seen in _in_threads(lambda part: _looked_at(asked, *part), list(_parts(asked))):
        count += seen.count
        damages += seen.damages
        empty += seen.empty
        for place, digest in seen.digests:
            places.setdefault(digest, []).append(place)
        report(count, total)
    alike = tuple(tuple(group) for group in places.values() if len(group) > 1)
    return Survey(tuple(damages), alike, tuple(empty))


def _parts(asked: Asked) -> Iterator[tuple[Split, Sequence[Example], tuple[str, ...] | None]]:
    """Yield a few pictures of a split, with the categories whose masks are read of all of them."""
    total = sum(len(examples) for examples in asked.pictures.values())
    at_once = max(1, AT_ONCE // (3 * asked.size**2))
    if len(asked.source.fingerprint(None).files) >= total:
        # Each picture has a file of its own, so a few take as long each as many.
        at_once = min(CHUNK, at_once)
    for split, examples in asked.pictures.items():
        alike: dict[tuple[str, ...] | None, list[Example]] = {}
        for example in examples:
            alike.setdefault(asked.masks.get((split, example)), []).append(example)
        for categories, chosen in alike.items():
            for start in range(0, len(chosen), at_once):
                yield split, chosen[start : start + at_once], categories


def _in_threads(
    work: Callable[[tuple[Split, Sequence[Example], tuple[str, ...] | None]], _Seen],
    parts: Sequence[tuple[Split, Sequence[Example], tuple[str, ...] | None]],
) -> Iterator[_Seen]:
    """Yield what is found in each part, in their order, while a few more are being looked at."""
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[_Seen]] = deque()
    executor = ThreadPoolExecutor(threads)
    try:
        for part in parts:
            waiting.append(executor.submit(work, part))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(cancel_futures=True)


def _looked_at(
    asked: Asked, split: Split, examples: Sequence[Example], categories: tuple[str, ...] | None
) -> _Seen:
    """Read a few pictures at once, or one after another where one of them cannot be read."""
    seen = _Seen(count=len(examples))
    try:
        _look(asked, split, examples, categories, seen)
    except DiagnosticError as error:
        if len(examples) == 1:
            seen.damages.append(Damage((split, examples[0]), error.diagnostics))
            return seen
        for example in examples:
            one = _looked_at(asked, split, [example], categories)
            seen.digests += one.digests
            seen.damages += one.damages
            seen.empty += one.empty
    return seen


def _look(
    asked: Asked,
    split: Split,
    examples: Sequence[Example],
    categories: tuple[str, ...] | None,
    seen: _Seen,
) -> None:
    import numpy as np

    images, masks = asked.source.read(split, examples, asked.size, categories)
    for kind, labels in asked.answers:
        RIGHT_ANSWERS[kind].read(asked.source, split, examples, labels, asked.size)
    places: list[Place] = [(split, example) for example in examples]
    seen.digests += [
        (place, blake2b(image.tobytes(), digest_size=16).digest())
        for place, image in zip(places, images, strict=True)
    ]
    if masks is not None:
        shown = np.logical_and(masks != 0, masks != VOID).any((1, 2)).tolist()
        seen.empty += [
            place
            for place, found in zip(places, shown, strict=True)
            if not found and not set(place[1].shows).isdisjoint(categories or ())
        ]
