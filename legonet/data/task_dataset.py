"""Pictures of a source with the answers that one task asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from legonet.data.open import open_source
from legonet.data.pictures import UNKNOWN, Pictures
from legonet.data.right_answers import RIGHT_ANSWERS
from legonet.data.source import BACKGROUND, Example, Source, Split
from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.goals import VOID, Goal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from legonet.language.sources import SourceForm
    from legonet.language.transforms import Transform


SHOWN = 8
"""How many labels an error lists, at most."""


@dataclass(frozen=True)
class TaskDataset:
    """The pictures of a source with the answers that a network gives about them.

    Args:
        source: Where the pictures are.
        size: Height and width in pixels.
        category: Ask whether it is this category or background; if None, which category it is.
        goal: A label per picture, or per pixel.
        background: Without a category: background is an additional label.
        transform: What is done to each picture after reading.
        asked: Without a category: the labels to tell apart, in the order of a network's outputs;
            empty where nobody knows them. By default, those of the source.
        only: The labels of the pictures that belong to the dataset; all of them if empty. With a
            category, each of these counts as the category.

    Raises:
        DiagnosticError: The source does not support such a dataset.
    """

    source: Source
    size: int
    category: str | None
    goal: Goal
    background: bool = False
    transform: Transform | None = None
    asked: tuple[str, ...] | None = None
    only: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._check_category()
        self._check_background()
        self._check_masks()
        self._check_goal()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the network's outputs, in their order."""
        if self.category is not None:
            return (self.category,)
        if self.asked is not None:
            return self.asked
        if self.goal.asks_for in RIGHT_ANSWERS:
            return RIGHT_ANSWERS[self.goal.asks_for].labels(self.source)
        return self.source.categories + ((BACKGROUND,) if self.background else ())

    @property
    def knows_answers(self) -> bool:
        """Whether the source knows the right answers: whether it has any of the labels.

        Of numbers and points it has to know all.
        """
        if self.goal.asks_for is None:
            return False
        if self.goal.asks_for in RIGHT_ANSWERS:
            return RIGHT_ANSWERS[self.goal.asks_for].are_known(self.source, self.labels)
        return self.category is not None or not set(self.labels).isdisjoint(self.source.categories)

    @property
    def known_labels(self) -> tuple[str, ...]:
        """The labels about which the source knows the right answers."""
        if self.goal.asks_for in RIGHT_ANSWERS:
            return RIGHT_ANSWERS[self.goal.asks_for].labels(self.source)
        return self.source.categories

    @property
    def outputs(self) -> int:
        """How many outputs the network has: 1 for a single category, otherwise one per label."""
        return len(self.labels)

    def read(self, split: Split) -> Pictures:
        """Return the pictures of a split with their answers.

        A picture that shows several categories gets the label of the most prominent one. Where the
        source does not know the answers, all labels are `legonet.data.pictures.UNKNOWN`.

        Raises:
            DiagnosticError: There are no such pictures, or one of them cannot be read.
        """
        import numpy as np

        answers = self.answers(split)
        values = None
        if self.goal.asks_for in RIGHT_ANSWERS and self.knows_answers:
            answers, values = self._values(split, answers)
        examples = [example for example, _ in answers]
        images, masks = self.source.read(split, examples, self.size, self.masked_categories)
        if self.transform is not None:
            images = self.transform.apply(images)
        labels = np.array([label for _, label in answers], np.int64)
        if masks is not None:
            masks = self._by_label(masks)
        return Pictures(images, labels, masks, values)

    def _values(
        self, split: Split, answers: list[tuple[Example, int]]
    ) -> tuple[list[tuple[Example, int]], NDArray[Any]]:
        """Return the pictures whose right answers are known, and these."""
        kind = RIGHT_ANSWERS[self.goal.asks_for]
        examples = [example for example, _ in answers]
        found, known = kind.read(self.source, split, examples, self.labels, self.size)
        if not known.any():
            raise DiagnosticError.of(
                "LEGO414",
                f"expected pictures with {self.goal.asks_for} of {_listed(self.labels)} in the "
                f"{split} split, found none",
                help=["there must be right answers, both for training and for testing"],
            )
        return [answer for answer, kept in zip(answers, known, strict=True) if kept], found[known]

    @property
    def masked_categories(self) -> tuple[str, ...] | None:
        """The categories whose masks are read; None where there are none to read."""
        if not self._needs_masks or not self.knows_answers:
            return None
        return self.source.categories if self.category is None else self._positive

    def answers(self, split: Split) -> list[tuple[Example, int]]:
        """Pick the pictures that belong to the dataset, each with its label; none is decoded.

        Raises:
            DiagnosticError: There are no such pictures.
        """
        examples: Sequence[Example] = self.source.examples(split)
        if self._needs_masks and self.knows_answers:
            examples = [example for example in examples if example.has_mask]
        answers = [
            (example, label) for example in examples if (label := self._label(example)) is not None
        ]
        found = {label for _, label in answers}
        if self.category is None and not found:
            raise self._no_pictures(split, "labelled")
        if self.category is not None and 1 not in found:
            raise self._no_pictures(split, f"`{self.category}`")
        if self.category is not None and 0 not in found:
            raise self._no_pictures(split, "background")
        return answers

    def _label(self, example: Example) -> int | None:
        if self.category is not None:
            if any(name in self._positive for name in example.shows):
                return 1
            # Where there are background pictures, the other categories do not count as background.
            return None if self.source.has_background and example.shows else 0
        shown = example.shows or (BACKGROUND,)
        by_label = self.goal.asks_for in ("label", "labels", "mask")
        if not self.knows_answers or not by_label:
            wanted = not self.only or not set(self.only).isdisjoint(shown)
            return (0 if self.knows_answers else UNKNOWN) if wanted else None
        label = next((name for name in shown if name in self._numbers), None)
        if self.goal.asks_for == "labels" and shown == (BACKGROUND,) and not self.only:
            return len(self.labels)
        if label is None or (self.only and label not in self.only):
            return None
        return self._numbers[label]

    @property
    def _positive(self) -> tuple[str, ...]:
        """The labels that count as the category."""
        return self.only or (() if self.category is None else (self.category,))

    @property
    def _needs_masks(self) -> bool:
        return self.goal.asks_for == "mask"

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number of each label among the outputs."""
        return {label: number for number, label in enumerate(self.labels)}

    def _by_label(self, masks: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Number the pixels like the labels, and mark those of no label as void."""
        import numpy as np

        numbers = np.full(256, VOID, np.uint8)
        if self.category is not None:
            numbers[0], numbers[1 : len(self._positive) + 1] = 0, 1
        else:
            for place, name in enumerate((BACKGROUND, *self.source.categories)):
                numbers[place] = self._numbers.get(name, VOID)
        return numbers[masks]

    def _check_category(self) -> None:
        known = self.source.categories
        if self.category is None:
            known += (BACKGROUND,) if self.source.has_background else ()
        for label in self._positive:
            if label not in known:
                raise DiagnosticError.of(
                    "LEGO411",
                    f"expected a category of the source, found `{label}`",
                    label="not a category of the source",
                    help=[
                        *did_you_mean(label, known, "category"),
                        "the source has " + ", ".join(f"`{name}`" for name in known),
                    ],
                )

    def _check_background(self) -> None:
        if not self.background:
            return
        if self.category is not None:
            raise DiagnosticError.of(
                "LEGO413",
                f"a network for `{self.category}` alone has no label for background",
                label="only without a category",
                help=["leave `background` out: its pictures already count as the answer no"],
            )
        # Background pixels do not require background pictures.
        if not self.source.has_background and not self._needs_masks:
            raise DiagnosticError.of(
                "LEGO413",
                "expected background pictures, but the source has none",
                label="no background pictures",
                help=["leave `background` out, or add background pictures to the source"],
            )

    def _check_masks(self) -> None:
        if not self._needs_masks or (self.asked is not None and not self.knows_answers):
            return
        if not self.source.has_masks:
            raise DiagnosticError.of(
                "LEGO412",
                f"expected pictures with masks for {self.goal}, but the source has none",
                label="the source has no masks",
                help=["ask for classification, or use a source with masks"],
            )
        most = max(len(self.source.categories), len(self.asked or ()))
        if self.category is None and most >= VOID:
            raise DiagnosticError.of(
                "LEGO416",
                f"expected fewer than {VOID} categories for masks, found {most}",
                help=["ask for a single `category`, or keep fewer categories in the source"],
            )

    def _check_goal(self) -> None:
        """Check that the goal can be asked of the source as the recipe says."""
        if self.goal.asks_for in ("label", "mask"):
            return
        if self.category is not None or self.background:
            field = "background" if self.category is None else "category"
            raise DiagnosticError.of(
                "LEGO417",
                f"{self.goal} has no `{field}`",
                label=f"not with {self.goal}",
                help=[f"leave `{field}` out, or ask for classification"],
            )
        if self.asked is not None:
            return
        if not self.goal.learns_from_labels:
            raise DiagnosticError.of(
                "LEGO418",
                f"{self.goal} is not learned from right answers, so there is no recipe for it",
                label="no right answers to learn from",
                help=["take ready weights; edges are then learned from a teacher"],
            )
        if not self.knows_answers:
            kind = RIGHT_ANSWERS.get(self.goal.asks_for)
            known, advice = "the source does not know", "" if kind is None else kind.advice
            if kind is None:
                known, advice = "no source knows", "take ready weights, and learn from a teacher"
            raise DiagnosticError.of(
                "LEGO418",
                f"expected pictures with right answers for {self.goal}, which {known}",
                label="no right answers",
                help=[advice],
            )

    def _no_pictures(self, split: Split, what: str) -> DiagnosticError:
        masked = " with masks" if self._needs_masks else ""
        return DiagnosticError.of(
            "LEGO414",
            f"expected {what} pictures{masked} in the {split} split, found none",
            help=["there must be pictures of each answer, both for training and for testing"],
        )


def ask(
    form: SourceForm,
    size: int | None,
    category: str | None,
    goal: Goal,
    background: bool = False,
    transform: Transform | None = None,
) -> TaskDataset:
    """Open a source and return a dataset of its pictures for one task.

    Args:
        form: The source as the spec has it.
        size: Height and width in pixels; the source's own when None.
        category: Ask whether it is this category or background; if None, which category it is.
        goal: A label per picture, or per pixel.
        background: Without a category: background is an additional label.
        transform: What is done to each picture after reading.

    Raises:
        DiagnosticError: The source cannot be opened or does not support such a dataset.
    """
    source = open_source(form)
    pixels = size or source.default_size
    return TaskDataset(source, pixels, category, goal, background, transform)


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in labels[:SHOWN])
    return f"{shown} and {len(labels) - SHOWN} more" if len(labels) > SHOWN else shown or "any kind"
