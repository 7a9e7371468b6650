"""What all goals have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from legonet.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance
    from legonet.goals.picture_answer import PictureAnswer

AGAINST_TEACHER = "against_teacher_"
"""Precedes the names of figures for which the teacher's answers stand for the right ones."""


@dataclass(frozen=True)
class Goal(ABC):
    """A kind of answer; another package registers a subclass at the entry point ``legonet.goals``.

    A goal has no state: all instances of a class are equal. Importing it imports no torch.

    Attributes:
        name: Its name in a spec.
        asks_for: What a source must know of a picture, the right answer: its ``label``; its
            ``labels``, several at once; its ``mask``, a label for each pixel; its ``values``, which
            are numbers; its ``boxes``; its ``points``; or its ``depth``, a number for each pixel.
            None if no source knows it: then networks are compared with their teachers.
        learns_from_labels: Whether networks can learn from right answers; otherwise only from a
            teacher.
        answers_like: The goal whose models can answer this one too; None for none.
        full_size: Whether answers that are maps have the size of the picture.
        figure: The figure by which networks are compared.
        figure_is_error: Whether a smaller one is better.
        figure_is_share: Whether it is a share from 0 to 1, which is shown in percent.
        figure_words: What tooltips call the figure.
        error_words: What tables and messages call the error.
        unit: What the answers are about.
        mark: What follows an error in a table.
        legend: What explains the mark below the table.
        joins: Whether answers about several categories, each against the background, make one.
        void: The right answer that counts in neither a loss nor a figure; None if all count.
    """

    name: ClassVar[str]
    asks_for: ClassVar[
        Literal["label", "labels", "mask", "values", "boxes", "points", "depth"] | None
    ]
    learns_from_labels: ClassVar[bool] = True
    answers_like: ClassVar[str | None] = None
    full_size: ClassVar[bool] = True
    figure: ClassVar[str]
    figure_is_error: ClassVar[bool]
    figure_is_share: ClassVar[bool] = True
    figure_words: ClassVar[str]
    error_words: ClassVar[str]
    unit: ClassVar[str]
    mark: ClassVar[str] = ""
    legend: ClassVar[str] = ""
    joins: ClassVar[bool] = False
    void: ClassVar[int | None] = None

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    @property
    def against_teacher(self) -> str:
        """The name of its figure where the teacher's answers stand for the right ones."""
        return f"{AGAINST_TEACHER}{self.figure}"

    def labels_of(self, outputs: int) -> int:
        """Return how many of a network's outputs stand for labels: by default, all."""
        return outputs

    def is_single(self, outputs: int) -> bool:
        """Return whether a network's outputs are one logit that tells a category from all else."""
        return outputs == 1

    @abstractmethod
    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:
        """Return the shape of a network's answer about one picture.

        Args:
            outputs: 1 for a single category, otherwise the number of labels.
            size: Height and width of the picture.
        """

    def truth(
        self,
        labels: NDArray[np.int64],
        masks: NDArray[Any] | None,
        values: NDArray[Any] | None = None,
    ) -> NDArray[Any] | None:
        """Return the right answers about pictures; None where they are not known.

        Args:
            labels: ``(N,)``, one for each picture.
            masks: ``(N, H, W)``, a label for each pixel.
            values: ``(N, ..)``, whatever else the answers are.
        """
        if self.asks_for == "label":
            return labels
        return masks if self.asks_for == "mask" else values

    def moved(
        self, values: NDArray[Any], down: NDArray[np.float64], right: NDArray[np.float64]
    ) -> NDArray[Any]:
        """Return the right answers about pictures whose content was shifted: by default, the same.

        Args:
            values: ``(N, ..)``, whatever answers are neither a label nor a mask.
            down: ``(N,)``, by how much each picture's content moved, as a share of the height.
            right: The same, as a share of the width.
        """
        del down, right
        return values

    def known(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which of the right answers are known: those that are not void."""
        import numpy as np

        known: NDArray[np.bool_] = np.ones(truth.shape, np.bool_)
        return known if self.void is None else truth != self.void

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Return what a network is trained to minimise: by default, the mean cross-entropy.

        Args:
            outputs: Logits, ``(N, K)`` or ``(N, K, H, W)``; ``K = 1`` for a single category.
            answers: The right ones, ``(N,)`` or ``(N, H, W)``, int64.

        Returns:
            A scalar; 0 where every answer is void.
        """
        from legonet.goals.cross_entropy import loss_of

        return loss_of(outputs, answers, self.void)

    def teacher_loss(self, outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
        """Return the distance from the teacher: by default, the cross-entropy with its outputs.

        Args:
            outputs: The student's, ``(N, K)`` or ``(N, K, H, W)``.
            taught: The teacher's, of the same shape.
            temperature: T divides both; the loss is multiplied by its square.
        """
        from legonet.goals.cross_entropy import teacher_loss_of

        return teacher_loss_of(outputs, taught, temperature)

    def decide(self, outputs: Tensor) -> Tensor:
        """Return a network's answers: by default, the label of the largest logit.

        A single output means yes, 1, above 0, and no, 0, otherwise.

        Args:
            outputs: ``(N, K)`` or ``(N, K, H, W)``.

        Returns:
            ``(N,)`` or ``(N, H, W)``, int64.
        """
        from legonet.goals.cross_entropy import decided

        return decided(outputs)

    def scores(self, outputs: Tensor) -> Tensor:
        """Return how sure a network is of its answers, as `Answers` has it.

        By default, the logit of a single output, otherwise the probability of the answered label.

        Args:
            outputs: ``(N, K)`` or ``(N, K, H, W)``, float32 or float64.
        """
        single = self.is_single(outputs.shape[1])
        return outputs[:, 0] if single else outputs.softmax(1).max(1).values

    def counted(self, labels: NDArray[np.int64], *, single: bool) -> NDArray[np.bool_]:  # noqa: ARG002
        """Return which pictures count in figures: by default, all.

        Args:
            labels: ``(N,)``, of the whole pictures.
            single: Whether networks have one output, which tells a category from all else.
        """
        import numpy as np

        return np.ones(len(labels), np.bool_)

    def agreement(self, answers: NDArray[Any], teachers: NDArray[Any]) -> float:
        """Return how much two networks agree: by default, the share of equal answers.

        It is the mean over the labels that the teacher answers.
        """
        from legonet.goals.figures.agreement import agreement

        return agreement(answers, teachers)

    @abstractmethod
    def figures(
        self, answers: Answers, truth: NDArray[Any], images: NDArray[np.uint8]
    ) -> tuple[dict[str, float], Chance | None]:
        """Return the figures of a network, and how it compares with a constant answer.

        Args:
            answers: About the pictures that count.
            truth: The right answers.
            images: The pictures, ``(N, H, W, 3)``.
        """

    @abstractmethod
    def differ(
        self, answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any], *, single: bool
    ) -> bool:
        """Return whether one of two networks is better, with 95 % confidence.

        Args:
            answers: Of the one, about the pictures that count.
            others: Of the other.
            truth: The right answers.
            single: Whether the networks have one output.
        """

    def about_picture(
        self, outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
    ) -> PictureAnswer:
        """Return what a network answers about one picture: by default, the label it decides for.

        Args:
            outputs: Those for the picture, ``(K,)`` or ``(K, H, W)``.
            labels: What they mean.
            size: Width and height of the picture.
        """
        import torch

        from legonet.goals.cross_entropy import probabilities
        from legonet.goals.picture_answer import PictureAnswer

        del size
        decided = int(self.decide(torch.from_numpy(outputs[None])))
        answer = labels[0 if self.is_single(len(outputs)) else decided]
        yes = bool(decided) or not self.is_single(len(outputs))
        found = dict(zip(labels, probabilities(outputs), strict=True))
        return PictureAnswer(answer if yes else None, found)

    def nothing(self, category: str) -> str:
        """Return what people read in place of no answer: by default, that it is not a category."""
        return f"not {category}"

    def image(self, mask: NDArray[Any], labels: tuple[str, ...]) -> Image:
        """Return the mask of an answer as a picture: by default, that of labels."""
        from legonet.goals.drawing import label_image

        return label_image(mask, labels)

    def paint(self, picture: Image, answer: PictureAnswer) -> Image:
        """Draw an answer on its picture: by default, a mask of labels; see `PictureAnswer`."""
        from legonet.goals.drawing import paint_labels

        return (
            picture
            if answer.mask is None
            else paint_labels(picture, answer.mask, tuple(answer.shares))
        )

    def text(self, value: float) -> str:
        """Return a value of its figure or its error for people: by default, in percent."""
        return f"{100 * value:.1f} %"

    def error(
        self, metrics: Mapping[str, float], of: str = ""
    ) -> tuple[float, float | None, float | None] | None:
        """Return the share of wrong answers with its 95 % interval.

        Where the right answers are unknown, it is the share of answers that are not the teacher's.

        Args:
            metrics: The figures of a network or an edge.
            of: ``teacher`` or ``donor`` for the teacher's or the donor's error.

        Returns:
            The error and the limits of its interval (None in older figures); None without figures.
        """
        names = [f"{of}_{name}" if of else name for name in (self.figure, self.against_teacher)]
        name = next((name for name in names if name in metrics), None)
        if name is None:
            return None
        value, low, high = metrics[name], metrics.get(f"{name}_low"), metrics.get(f"{name}_high")
        if self.figure_is_error:
            return value, low, high
        lower, upper = (None if limit is None else 1 - limit for limit in (high, low))
        return 1 - value, lower, upper


GOALS: Registry[Goal] = Registry(
    Goal,
    "legonet.goals",
    {
        "classification": "legonet.goals.classification:Classification",
        "segmentation": "legonet.goals.segmentation:Segmentation",
        "multilabel": "legonet.goals.multilabel:Multilabel",
        "regression": "legonet.goals.regression:Regression",
        "depth": "legonet.goals.depth:Depth",
        "keypoints": "legonet.goals.keypoints:Keypoints",
        "detection": "legonet.goals.detection:Detection",
    },
)
"""The goals; other packages add theirs at the entry point ``legonet.goals``."""
