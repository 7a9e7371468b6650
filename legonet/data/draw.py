"""The few pictures that an adapter is learned from."""

from __future__ import annotations

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
        labelled: Category and background in turn, the category first.
        unlabelled: The same; their labels are known here but must not be used.
    """

    labelled: Pictures
    unlabelled: Pictures


def draw(pictures: Pictures, samples: int, unlabelled: int, seed: int) -> Draw:
    """Draw pictures of a single-category dataset, half category and half background.

    A larger draw with the same seed begins with the smaller one, for both parts, and neither
    part depends on the size of the other.

    Args:
        pictures: What to draw from; label 1 is the category, 0 its background.
        samples: How many with labels; if odd, the extra one shows the category.
        unlabelled: How many without labels.
        seed: At least 0.

    Raises:
        DiagnosticError: There are fewer pictures than that.
    """
    import numpy as np

    # The raw bits of PCG64 are the only stream that NumPy promises never to change.
    ranks = np.random.PCG64(seed).random_raw(len(pictures))
    order = np.argsort(ranks, kind="stable")
    category = order[pictures.labels[order] == 1]
    background = order[pictures.labels[order] == 0]
    _check_enough("the category", len(category), -(-samples // 2), -(-unlabelled // 2))
    _check_enough("the background", len(background), samples // 2, unlabelled // 2)
    return Draw(
        labelled=pictures.take(_in_turn(category, background, samples)),
        unlabelled=pictures.take(_in_turn(category[::-1], background[::-1], unlabelled)),
    )


def _in_turn(
    category: NDArray[np.int64], background: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    import numpy as np

    turns = np.empty(count, np.int64)
    turns[0::2] = category[: -(-count // 2)]
    turns[1::2] = background[: count // 2]
    return turns


def _check_enough(what: str, available: int, labelled: int, unlabelled: int) -> None:
    if labelled + unlabelled <= available:
        return
    raise DiagnosticError.of(
        "LEGO415",
        f"expected {labelled + unlabelled} pictures of {what} to draw "
        f"({labelled} labelled, {unlabelled} unlabelled), found {available}",
        help=[
            "ask for fewer `samples` or `unlabelled` pictures",
            "half of each are drawn from the category, half from the background",
        ],
    )
