"""Right answers that are neither one label nor a mask: what sources know of them, by kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legonet.data.source import Example, Source, Split


class RightAnswers(ABC):
    """A kind of right answers, as `legonet.goals.Goal.asks_for` names it.

    Attributes:
        advice: Which sources know such answers.
    """

    advice: ClassVar[str]

    @abstractmethod
    def labels(self, source: Source) -> tuple[str, ...]:
        """Return the labels about which a source knows such answers, in its own order."""

    def are_known(self, source: Source, labels: Sequence[str]) -> bool:
        """Return whether a source can answer a network's labels: by default, if it has all."""
        return bool(labels) and set(labels) <= set(self.labels(source))

    @abstractmethod
    def read(
        self,
        source: Source,
        split: Split,
        examples: Sequence[Example],
        labels: Sequence[str],
        size: int,
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the answers about some pictures.

        Args:
            source: Knows them.
            split: The split whose `examples` they are.
            examples: Which ones.
            labels: Those of the network, in the order of its outputs.
            size: Height and width of the pictures.

        Returns:
            The answers, ``(N, ..)``; and for each picture whether its answer is known, ``(N,)``.
        """


class Labels(RightAnswers):
    """Several labels at once: ``(N, K)``, uint8, 1 for those that a picture shows."""

    advice = "use a source of pictures with categories"

    def labels(self, source: Source) -> tuple[str, ...]:
        """Return the categories."""
        return source.categories

    def are_known(self, source: Source, labels: Sequence[str]) -> bool:
        """Return whether the source has any of the labels."""
        return not set(labels).isdisjoint(source.categories)

    def read(
        self,
        source: Source,
        split: Split,
        examples: Sequence[Example],
        labels: Sequence[str],
        size: int,
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return which labels each picture shows."""
        import numpy as np

        del source, split, size
        shown = [[name in example.shows for name in labels] for example in examples]
        found = np.array(shown, np.uint8).reshape(len(examples), len(labels))
        return found, np.ones(len(examples), np.bool_)


class Numbers(RightAnswers):
    """Numbers for each picture: ``(N, K)``, float32."""

    advice = "for numbers, name the columns of a manifest: `targets: [age]`"

    def labels(self, source: Source) -> tuple[str, ...]:
        """Return the names of the numbers."""
        return source.targets

    def read(
        self,
        source: Source,
        split: Split,
        examples: Sequence[Example],
        labels: Sequence[str],
        size: int,
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the numbers in the order of the labels."""
        import numpy as np

        del size
        places = [source.targets.index(name) for name in labels]
        return source.values(split, examples)[:, places], np.ones(len(examples), np.bool_)


class Boxes(RightAnswers):
    """Boxes: ``(N, B, 6)``, float32, as `legonet.goals.detection.Detection.decide` returns them.

    Boxes of categories that the network does not have are left out. The probability of a box that
    counts is 1, and that of a region which does not count `legonet.goals.boxes.REGION`.
    """

    advice = 'use `coco(..)`, `voc_detection(..)`, or a manifest with `boxes: "COLUMN"`'

    def labels(self, source: Source) -> tuple[str, ...]:
        """Return the categories, if the source has boxes."""
        return source.categories if source.has_boxes else ()

    def are_known(self, source: Source, labels: Sequence[str]) -> bool:
        """Return whether the source has boxes of any of the labels."""
        return not set(labels).isdisjoint(self.labels(source))

    def read(
        self,
        source: Source,
        split: Split,
        examples: Sequence[Example],
        labels: Sequence[str],
        size: int,
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the boxes, numbered like the labels, each picture's in the source's order."""
        import numpy as np

        from legonet.goals.boxes import NO_LABEL, counted

        del size
        found = source.boxes(split, examples)
        numbers = [labels.index(name) if name in labels else NO_LABEL for name in source.categories]
        kept = []
        for boxes in found:
            rows = np.zeros((0, 6), np.float32) if boxes is None else boxes.copy()
            rows[:, 5] = [numbers[int(number)] for number in rows[:, 5]]
            kept.append(rows[rows[:, 5] != NO_LABEL])
        answers = np.zeros((len(found), max([1, *map(len, kept)]), 6), np.float32)
        answers[:, :, 5] = NO_LABEL
        for place, rows in enumerate(kept):
            answers[place, : len(rows)] = rows
        known = np.array([boxes is not None for boxes in found], np.bool_)
        # Where there is no object at all, nothing can be measured.
        return answers, known & counted(answers).any()


class Points(RightAnswers):
    """Points: ``(N, K, 2)``, float32, shares of height and width; not a number where unknown."""

    advice = "use `coco(..)` with key points, or a manifest with `points: [nose, tail]`"

    def labels(self, source: Source) -> tuple[str, ...]:
        """Return the names of the points."""
        return source.point_names

    def read(
        self,
        source: Source,
        split: Split,
        examples: Sequence[Example],
        labels: Sequence[str],
        size: int,
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the points in the order of the labels."""
        import numpy as np

        del size
        places = [source.point_names.index(name) for name in labels]
        found = source.points(split, examples)[:, places]
        return found, np.asarray(np.isfinite(found).any((1, 2)))


class Depth(RightAnswers):
    """A number for each pixel: ``(N, size, size)``, float32; not a number where unknown."""

    advice = 'use a manifest with `depth: "COLUMN"`'

    def labels(self, source: Source) -> tuple[str, ...]:
        """Return the only label, if the source knows the depth of pixels."""
        return ("depth",) if source.has_depth else ()

    def are_known(self, source: Source, labels: Sequence[str]) -> bool:  # noqa: ARG002 - any name
        """Return whether the source knows the depth of pixels, whatever a network calls it."""
        return source.has_depth

    def read(
        self,
        source: Source,
        split: Split,
        examples: Sequence[Example],
        labels: Sequence[str],
        size: int,
    ) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the depth of each pixel."""
        import numpy as np

        del labels
        found = source.depth(split, examples, size)
        return found, np.asarray(np.isfinite(found).any((1, 2)))


RIGHT_ANSWERS: Mapping[str | None, RightAnswers] = {
    "labels": Labels(),
    "values": Numbers(),
    "boxes": Boxes(),
    "points": Points(),
    "depth": Depth(),
}
"""The kinds, by what `legonet.goals.Goal.asks_for` calls them."""
