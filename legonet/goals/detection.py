"""Boxes around objects."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from legonet.goals.goal import Goal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance
    from legonet.goals.picture_answer import PictureAnswer

EDGES = 4
"""The first outputs of each box: its left, top, right and lower edge."""


class Detection(Goal):
    """Boxes around objects, each with a label.

    A network answers with every box that it considers, ``(N, 4 + K, A)``: A boxes, each with its
    left, top, right and lower edge as shares of the picture's width and height, and K logits that
    say whether it shows an object of a label. The figure is the mean average precision for overlaps
    from 0.5 to 0.95, as in COCO. Where the source has no boxes, those that the teacher decides for
    stand for the right ones. Networks of this goal are not trained here, and edges learn from their
    teachers alone.
    """

    name = "detection"
    asks_for = "boxes"
    learns_from_labels = False
    full_size = False
    figure = "mean_average_precision"
    figure_is_error = False
    figure_words = "mean average precision"
    error_words = "missing mean average precision"
    unit = "box"
    mark = " of mAP"
    legend = "of mAP: what is missing to a mean average precision of 1"

    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:
        """Return the shape with a box for each pixel; networks have as many boxes as they like."""
        return EDGES + outputs, size**2

    def known(self, truth: NDArray[Any]) -> NDArray[np.bool_]:
        """Return that the boxes of all pictures are known."""
        import numpy as np

        return np.ones(len(truth), np.bool_)

    def moved(
        self, values: NDArray[Any], down: NDArray[np.float64], right: NDArray[np.float64]
    ) -> NDArray[Any]:
        """Return shifted boxes, without those that left their pictures."""
        from legonet.goals.boxes import moved

        return moved(values, down, right)

    def labels_of(self, outputs: int) -> int:
        """Return how many of the outputs are logits of labels."""
        return outputs - EDGES

    def is_single(self, outputs: int) -> bool:  # noqa: ARG002 - edges come with every label
        """Return that outputs are never a single logit."""
        return False

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Raise an error: boxes are learned from a teacher alone."""
        raise NotImplementedError("boxes are learned from a teacher alone")

    def teacher_loss(self, outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
        """Return the distance from the teacher's boxes and their logits.

        Logits have the binary cross-entropy with the teacher's, as a mean over boxes and labels.
        Edges have their absolute difference, as a mean over boxes, weighted by how probable an
        object there is for the teacher.
        """
        from torch.nn import functional

        logits, others = outputs[:, EDGES:] / temperature, taught[:, EDGES:] / temperature
        objects = functional.binary_cross_entropy_with_logits(logits, others.sigmoid())
        weight = taught[:, EDGES:].sigmoid().amax(1, keepdim=True)
        away = (outputs[:, :EDGES] - taught[:, :EDGES]).abs() * weight
        edges = away.sum() / (EDGES * weight.sum()).clamp_min(1e-6)
        return objects * temperature**2 + edges

    def decide(self, outputs: Tensor) -> Tensor:
        """Return the boxes that a network decides for, ``(N, 100, 6)``, the surest first.

        A box has its four edges, its probability and its label; where there are fewer, rows of
        zeros with the label -1 follow. Boxes of one label that overlap by more than half are one
        object, of which the surest is kept.
        """
        from legonet.goals.boxes import decided

        return decided(outputs)

    def scores(self, outputs: Tensor) -> Tensor:
        """Return the probability of an object, by box: ``(N, A)``."""
        return outputs[:, EDGES:].sigmoid().amax(1)

    def agreement(self, answers: NDArray[Any], teachers: NDArray[Any]) -> float:
        """Return the mean average precision, with the teacher's boxes for the right ones."""
        from legonet.goals.boxes import mean_average_precision

        return mean_average_precision(answers, teachers)

    def figures(
        self,
        answers: Answers,
        truth: NDArray[Any],
        images: NDArray[np.uint8],  # noqa: ARG002 - boxes are all that counts
    ) -> tuple[dict[str, float], Chance | None]:
        """Return the mean average precision with its interval."""
        from legonet.goals.boxes import detection

        return detection(answers.labels, truth), None

    def differ(
        self,
        answers: NDArray[Any],
        others: NDArray[Any],
        truth: NDArray[Any],
        *,
        single: bool,  # noqa: ARG002 - never
    ) -> bool:
        """Return whether the interval of one's mean average precision leaves out the other's."""
        from legonet.goals.boxes import detection

        own, theirs = detection(answers, truth), detection(others, truth)
        value = theirs[self.figure]
        return not own[f"{self.figure}_low"] <= value <= own[f"{self.figure}_high"]

    def about_picture(
        self, outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
    ) -> PictureAnswer:
        """Return the boxes about one picture, in its own pixels."""
        import torch

        from legonet.goals.picture_answer import Box, PictureAnswer

        (found,) = self.decide(torch.from_numpy(outputs[None])).tolist()
        boxes = []
        for left, top, right, lower, probability, number in found:
            if number < 0:
                break
            edges = (left * size[0], top * size[1], right * size[0], lower * size[1])
            boxes.append(Box(labels[int(number)], probability, edges))
        counts = Counter(box.label for box in boxes)
        told = ", ".join(f"{count} {label}" for label, count in counts.most_common())
        return PictureAnswer(told or None, boxes=tuple(boxes))

    def nothing(self, category: str) -> str:  # noqa: ARG002 - labels are many
        """Return that there is no box."""
        return "no box"

    def paint(self, picture: Image, answer: PictureAnswer) -> Image:
        """Draw the boxes on their picture."""
        from legonet.goals.drawing import paint_boxes

        return paint_boxes(picture, answer.boxes)
