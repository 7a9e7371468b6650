"""Several labels at once for each picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legonet.goals.goal import Goal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from legonet.goals.figures.answers import Answers
    from legonet.goals.figures.chance import Chance
    from legonet.goals.picture_answer import PictureAnswer


class Multilabel(Goal):
    """Any number of labels per picture, each by a yes or a no of its own.

    `legonet.goals.figures.multilabel.multilabel` describes the figures.
    """

    name = "multilabel"
    asks_for = "labels"
    answers_like = "classification"
    figure = "label_error_rate"
    figure_is_error = True
    figure_words = "label error"
    error_words = "label error"
    unit = "picture"
    mark = " by label"
    legend = "by label: mean over the labels of the errors with and without it"

    def is_single(self, outputs: int) -> bool:  # noqa: ARG002 - each output is a label
        """Return False: each output is a label of its own."""
        return False

    def answer_shape(self, outputs: int, size: int) -> tuple[int, ...]:  # noqa: ARG002
        """Return ``(outputs,)``."""
        return (outputs,)

    def loss(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Return the mean binary cross-entropy over labels; ``answers`` ``(N, K)`` are 0 or 1."""
        from torch.nn import functional

        return functional.binary_cross_entropy_with_logits(outputs, answers.to(outputs))

    def teacher_loss(self, outputs: Tensor, taught: Tensor, temperature: float) -> Tensor:
        """Return the binary cross-entropy with the teacher's softened outputs, times ``T^2``."""
        from torch.nn import functional

        softened = (taught / temperature).sigmoid()
        loss = functional.binary_cross_entropy_with_logits(outputs / temperature, softened)
        return loss * temperature**2

    def decide(self, outputs: Tensor) -> Tensor:
        """Return 1 for each label whose logit is above 0, and 0 otherwise, ``(N, K)``, int64."""
        return (outputs > 0).long()

    def scores(self, outputs: Tensor) -> Tensor:
        """Return the logits."""
        return outputs

    def figures(
        self,
        answers: Answers,
        truth: NDArray[Any],
        images: NDArray[np.uint8],  # noqa: ARG002 - pictures are resampled
    ) -> tuple[dict[str, float], Chance | None]:
        """Return the label error, average precision, and area under the ROC curve."""
        from legonet.goals.figures.multilabel import multilabel

        return multilabel(answers, truth)

    def differ(
        self, answers: NDArray[Any], others: NDArray[Any], truth: NDArray[Any], *, single: bool
    ) -> bool:
        """Return whether the bootstrap interval of the difference leaves out 0."""
        from legonet.goals.figures.multilabel import differ_on_labels

        del single
        return differ_on_labels(answers, others, truth)

    def about_picture(
        self, outputs: NDArray[np.float32], labels: tuple[str, ...], size: tuple[int, int]
    ) -> PictureAnswer:
        """Return the labels that the picture shows, and how probable each is."""
        from legonet.goals.cross_entropy import probabilities
        from legonet.goals.picture_answer import PictureAnswer

        del size
        chances = [probabilities(outputs[place : place + 1])[0] for place in range(len(outputs))]
        shown = [label for label, logit in zip(labels, outputs, strict=True) if logit > 0]
        return PictureAnswer(", ".join(shown) or "nothing", dict(zip(labels, chances, strict=True)))
