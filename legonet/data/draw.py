"""The few pictures that an adapter is learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from legonet.data.pictures import Pictures
from legonet.diagnostics import DiagnosticError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Draw:
    """Pictures drawn for one edge; no picture is in both parts, and either may be empty.

    Args:
        labelled: Pictures of each label in turn; of a category and its background, the category
            first.
        unlabelled: The same; their labels are known here but must not be used.
    """

    labelled: Pictures
    unlabelled: Pictures


def draw(
    pictures: Pictures, samples: int, unlabelled: int, seed: int, *, single: bool = True
) -> Draw:
    """Draw pictures of a dataset, as many of each label as there are.

    A larger draw with the same seed begins with the smaller one, for both parts, and neither
    part depends on the size of the other, unless pictures of a label run short: then the draw goes
    on with those of the other labels.

    Args:
        pictures: What to draw from.
        samples: How many with labels.
        unlabelled: How many without labels.
        seed: At least 0.
        single: Whether label 1 is a category and 0 its background. Then half of both parts show
            the category, if the number is odd one more than half, and none may run short.

    Raises:
        DiagnosticError: There are fewer pictures than that.
    """
    import numpy as np

    # The raw bits of PCG64 are the only stream that NumPy promises never to change.
    ranks = np.random.PCG64(seed).random_raw(len(pictures))
    order = np.argsort(ranks, kind="stable")
    kinds = (1, 0) if single else np.unique(pictures.labels)
    parts = [order[pictures.labels[order] == kind] for kind in kinds]
    check_enough(pictures.labels.tolist(), samples, unlabelled, single=single)
    labelled = _in_turn(parts, samples)
    left = [part[~np.isin(part, labelled)][::-1] for part in parts]
    return Draw(pictures.take(labelled), pictures.take(_in_turn(left, unlabelled)))


def check_enough(
    labels: Sequence[int], samples: int, unlabelled: int, *, single: bool = True
) -> None:
    """Check that there are as many pictures as `draw` is to draw.

    Args:
        labels: The label of each picture.
        samples: How many with labels.
        unlabelled: How many without labels.
        single: Whether label 1 is a category and 0 its background.

    Raises:
        DiagnosticError: There are fewer.
    """
    if not single:
        _check_enough("all labels", len(labels), samples, unlabelled)
        return
    for name, label, asked, others in zip(
        ("the category", "the background"),
        (1, 0),
        _halves(samples),
        _halves(unlabelled),
        strict=True,
    ):
        _check_enough(name, labels.count(label), asked, others)


def _in_turn(parts: Sequence[NDArray[np.int64]], count: int) -> NDArray[np.int64]:
    """Return the first pictures of each part in turn, as long as it has any."""
    import numpy as np

    places = [np.arange(len(part)) for part in parts]
    turns = np.concatenate(places) if places else np.empty(0, np.int64)
    found = np.concatenate(parts) if len(parts) else np.empty(0, np.int64)
    return found[np.argsort(turns, kind="stable")][:count]


def _halves(count: int) -> tuple[int, int]:
    return -(-count // 2), count // 2


def _check_enough(what: str, available: int, labelled: int, unlabelled: int) -> None:
    if labelled + unlabelled <= available:
        return
    raise DiagnosticError.of(
        "LEGO415",
        f"expected {labelled + unlabelled} pictures of {what} to draw "
        f"({labelled} labelled, {unlabelled} unlabelled), found {available}",
        help=[
            "ask for fewer `samples` or `unlabelled` pictures",
            "as many are drawn of each label: half of them show the category, if there is one",
        ],
    )
