"""What the runs of the tables are called, in the order in which the tables show them."""

from __future__ import annotations

from dataclasses import dataclass

APART = "apart_"
"""Before a method's name: the teacher's ancestor was trained apart."""

UNLABELLED = "_unlabelled"
"""After a method's name: there are pictures without labels, too."""


@dataclass(frozen=True)
class Method:
    """A method of the specs in ``specs/paper``.

    Args:
        label: As ``results.json`` calls it.
        words: What it does, for a row of a table.
        control: Whether it is there for comparison alone.
        ours: Whether it is legonet's, beyond the paper.
    """

    label: str
    words: str
    control: bool = False
    ours: bool = False


METHODS = {
    "ordinary": Method("OL", "OL: labels, from a random start"),
    "outputs": Method("TD", "TD: labels and the teacher's outputs, from a random start"),
    "back": Method("BD", "BD: labels and gradients, from a random start"),
    "back_alone": Method("BD", "BD: labels and gradients, from a random start"),
    "solved": Method("solve", "the solved start alone", ours=True),
    "from_solved": Method("solve, then BD", "BD from the solved start", ours=True),
    "stitched": Method("stitching", "`stitching()`", ours=True),
    "least_squares": Method("least squares", "`stitching(match: least_squares)`", ours=True),
    "feature_matched": Method(
        "feature matching", "the last hidden features matched, no label", ours=True
    ),
    "from_stitched": Method("stitching, then TD", "TD from stitching", ours=True),
    "chosen": Method("transplant", "`transplant()`, as users get it", ours=True),
    "untrained": Method("untrained", "a random adapter", control=True),
    "straight": Method(
        "identity", "an identity adapter: features as without any, re-scaled", control=True
    ),
    "true_order": Method(
        "true order", "the same with the channels in their true order", control=True
    ),
    "ordinary_from_identity": Method(
        "OL from identity", "OL from an identity adapter", control=True
    ),
    "ordinary_in_order": Method("OL, not reordered", "OL, networks not reordered", control=True),
    "chosen_in_order": Method(
        "transplant, not reordered", "`transplant()`, networks not reordered", control=True
    ),
}
"""By their names in the specs."""


@dataclass(frozen=True, order=True)
class Row:
    """A row of a table.

    Args:
        place: Of the method among all.
        unlabelled: How many pictures without labels there are.
    """

    place: int
    unlabelled: int

    @property
    def words(self) -> str:
        """What it is called."""
        method = list(METHODS.values())[self.place]
        also = f", {self.unlabelled} pictures without labels" if self.unlabelled else ""
        return method.words + also


def method_of(variant: str) -> Method:
    """Return the method of a run by its name, with `APART` and `UNLABELLED` or without."""
    return METHODS[bare(variant)]


def row_of(variant: str, unlabelled: int) -> Row:
    """Return the row of a run."""
    words = [method.words for method in METHODS.values()]
    place = words.index(method_of(variant).words)
    return Row(place, unlabelled)


def bare(variant: str) -> str:
    """Return the name of a method that a run was learned by."""
    return variant.removeprefix(APART).removesuffix(UNLABELLED)
