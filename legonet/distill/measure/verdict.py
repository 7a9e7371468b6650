"""How an edge compares with chance, with its teacher and with the donor alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from legonet.diagnostics import Diagnostic, Severity
from legonet.distill.certificate import least_agreement
from legonet.distill.methods.transplant import RELATED
from legonet.goals import AGAINST_TEACHER
from legonet.goals.figures.answers import all_alike

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from legonet.data.pictures import Pictures
    from legonet.distill.measure.measured import Measured
    from legonet.goals import Goal
    from legonet.goals.figures.chance import Chance

ORDERED = 0.75
"""Area under the ROC curve from which logits are in order and only their threshold is off."""


@dataclass(frozen=True)
class Judged:
    """The figures of an edge and what they mean.

    Args:
        metrics: The edge's own figures, its ``agreement`` with the teacher, and as ``teacher_..``
            and ``donor_..`` those of the teacher and of the donor's whole network.
        failure: Why the edge failed, that is, is no better than chance; None if it is better or
            if that cannot be known.
        warnings: What a person should know before trusting the edge.
    """

    metrics: dict[str, float]
    failure: Diagnostic | None = None
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class _Sides:
    """An edge and the networks to compare it with, on the same pictures."""

    student: Measured
    teacher: Measured
    donor: Measured
    pictures: Pictures
    goal: Goal
    against_teacher: bool

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which of the pictures count."""
        return self.goal.counted(self.pictures.labels, single=self.student.single)

    @property
    def truth(self) -> NDArray[Any]:
        """The right answers about the pictures that count."""
        truth = self.goal.truth(self.pictures.labels, self.pictures.masks, self.pictures.values)
        if truth is None:
            raise ValueError("figures were measured without the right answers")
        return truth[self.counted]


def judge(
    student: Measured,
    teacher: Measured,
    donor: Measured,
    pictures: Pictures,
    goal: Goal,
    *,
    learned: Mapping[str, Any],
    learned_from: int,
    against_teacher: bool = False,
) -> Judged:
    """Return the figures of an edge and whether it is better than chance.

    Args:
        student: The edge.
        teacher: Its teacher.
        donor: The network that gives the task module, as a whole.
        pictures: The test pictures on which all three were measured.
        goal: What the task asks for.
        learned: The notes of `legonet.distill.learn.learn`, for the cause of a failure.
        learned_from: Number of pictures of the category from which the adapter was learned, with
            or without labels.
        against_teacher: Whether the pictures have the teacher's answers for the right ones, as
            nobody knows these. Then there is no figure but the share of other answers.
    """
    sides = _Sides(student, teacher, donor, pictures, goal, against_teacher)
    metrics = _against_teacher(student, goal) if against_teacher else dict(student.metrics)
    answers = student.answers, teacher.answers
    if goal.void is not None:
        known = goal.known(sides.truth)
        answers = answers[0][known], answers[1][known]
    metrics["agreement"] = goal.agreement(*answers)
    if against_teacher:
        others = {"donor": _against_teacher(donor, goal)}
    else:
        others = {"teacher": teacher.metrics, "donor": donor.metrics}
    for role, figures in others.items():
        metrics |= {f"{role}_{name}": value for name, value in figures.items()}
    failure = None
    chance = student.chance
    if chance is not None and chance.is_reached:
        failure = _failure(sides, chance, learned, learned_from, metrics["agreement"])
    return Judged(metrics, failure, tuple(_warnings(sides, failed=failure is not None)))


def _against_teacher(network: Measured, goal: Goal) -> dict[str, float]:
    """Return how far the answers of a network are from the teacher's."""
    return {
        f"{AGAINST_TEACHER}{name}": value
        for name, value in network.metrics.items()
        if name.startswith(goal.figure)
    }


def _failure(
    sides: _Sides, chance: Chance, learned: Mapping[str, Any], learned_from: int, agreed: float
) -> Diagnostic:
    by = " by the teacher's answers" if sides.against_teacher else ""
    found = (
        f"{chance.name}{by} {_range(chance, sides.goal)} on "
        f"{_pictures(chance.pictures)}, where the same answer to everything has "
        f"{sides.goal.text(chance.constant)}"
    )
    teachers = sides.teacher.chance
    hopeless = teachers is not None and teachers.is_reached and not sides.against_teacher
    if teachers is not None and hopeless and not chance.is_out_of_reach:
        return Diagnostic(
            "LEGO651",
            "nothing can be learned from this teacher: it is itself no better than chance, with "
            f"{_article(teachers.name)} of {_range(teachers, sides.goal)} "
            f"on {_pictures(teachers.pictures)}",
            label="failed: no better than chance",
            help=(
                f"the edge: {found}",
                "train the teacher longer or on more pictures, or name another one",
            ),
        )
    cause, *advice = _cause(sides, chance, learned, learned_from, agreed)
    return Diagnostic(
        "LEGO650",
        f"the edge is no better than chance: {found}",
        label="failed: no better than chance",
        help=(f"the likely cause: {cause}", *advice),
    )


def _cause(
    sides: _Sides, chance: Chance, learned: Mapping[str, Any], learned_from: int, agreed: float
) -> tuple[str, ...]:
    """Return the likely cause and what to do about it."""
    student = sides.student
    auc = student.metrics.get("auc", 0.5)
    ancestor = learned.get("ancestor_r2")
    if chance.is_out_of_reach:
        return (
            f"{_are(chance.pictures)} too few to tell any network from chance",
            "put more pictures into the test split; they cost no training",
        )
    if student.not_finite:
        return (
            f"{_percent(student.not_finite)} of its answers are not finite numbers",
            "look at the weights of the networks on both sides with `legonet inspect`",
        )
    if student.constant and sides.donor.constant:
        return (
            "the task module gives one and the same answer to everything, in the donor too",
            "take the task from another network",
        )
    if student.constant:
        return (
            "it gives one and the same answer to everything: no feature passes the adapter",
            "try another method or start, or give it pictures to learn from",
        )
    if auc >= ORDERED:
        return (
            f"only the threshold is off: the area under the ROC curve is {auc:.2f}",
            "with a few labelled pictures (`samples: 10`) the adapter learns where to cut",
        )
    if chance.error < chance.constant and _is_a_hint(chance):
        return (
            f"{_are(chance.pictures)} too few to tell such an error from chance",
            "put more pictures into the test split, or give the adapter more to learn from",
        )
    if not learned_from and ancestor is not None and ancestor < RELATED:
        return (
            (
                "the features of the two networks correspond less than with a common ancestor, and "
                "there was no picture of the category"
            ),
            "give it some with `unlabelled: 200` or `samples: 10`",
        )
    donors = sides.donor.chance
    if agreed < least_agreement(student.outputs) and donors is not None and donors.is_reached:
        return (
            "teacher and task module answer different questions: the donor is at chance too",
            "join networks that were trained for the same question, against the same background",
        )
    return (
        "the adapter has not learned to pass on what the task module needs",
        "give it more pictures (`unlabelled: 200`, `samples: 10`), or use `transplant()`",
    )


def _is_a_hint(chance: Chance) -> bool:
    """Return whether an edge is better than chance by at least half of its interval."""
    return chance.constant - chance.error >= (chance.high - chance.error) / 2


def _warnings(sides: _Sides, *, failed: bool) -> Iterator[Diagnostic]:
    teachers = sides.teacher.chance
    if not failed and not sides.against_teacher and teachers is not None and teachers.is_reached:
        yield Diagnostic(
            "LEGO651",
            "the teacher is itself no better than chance, with "
            f"{_article(teachers.name)} of {_range(teachers, sides.goal)}",
            help=("what the edge knows comes from labels; name a better teacher",),
            severity=Severity.WARNING,
        )
    yield from _worse_than_donor(sides)
    yield from _alike(sides)


def _worse_than_donor(sides: _Sides) -> Iterator[Diagnostic]:
    own, donors = (_shown_error(item, sides.goal) for item in (sides.student, sides.donor))
    # As shown: two figures that look the same are no reason to warn.
    first, second = sides.goal.text(own), sides.goal.text(donors)
    if own <= donors or first == second:
        return
    certain = sides.goal.differ(
        sides.student.answers, sides.donor.answers, sides.truth, single=sides.student.single
    )
    noise = "more than noise" if certain else "which may be noise"
    if sides.goal.figure_is_share:
        of = "" if sides.goal.unit == "picture" else f" of the {sides.goal.unit}s"
        verb = "answers otherwise than its teacher" if sides.against_teacher else "errs"
        told = f"it {verb} on {first}{of}, the donor's whole network on {second}"
    else:
        by = " by its teacher's answers" if sides.against_teacher else ""
        told = f"its {sides.goal.error_words}{by} is {first}, the donor's whole network's {second}"
    yield Diagnostic(
        "LEGO652",
        f"{told}, {noise}",
        help=("for this category the donor alone is the better network",),
        severity=Severity.WARNING,
    )


def _alike(sides: _Sides) -> Iterator[Diagnostic]:
    labels = sides.pictures.labels
    if not sides.student.single:
        kinds = {"test pictures": np.ones(len(labels), np.bool_)}
    else:
        kinds = {
            "test pictures of the category": labels == 1,
            "test pictures of the background": (labels == 0) & sides.counted,
        }
    for name, chosen in kinds.items():
        if all_alike(sides.pictures.images, chosen):
            yield Diagnostic(
                "LEGO654",
                f"the {chosen.sum()} {name} are one and the same: the figures rest on one picture",
                help=("put different pictures into the test split",),
                severity=Severity.WARNING,
            )


def _shown_error(measured: Measured, goal: Goal) -> float:
    found = goal.error(measured.metrics)
    if found is None:
        raise ValueError(f"these are no figures of {goal}: {', '.join(measured.metrics)}")
    return found[0]


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _pictures(number: int) -> str:
    return f"{number} test picture{'s' * (number != 1)}"


def _are(number: int) -> str:
    return f"{_pictures(number)} {'is' if number == 1 else 'are'}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _range(chance: Chance, goal: Goal) -> str:
    """Return an error with its interval, such as ``4.0 % (1.0 to 9.0)``."""
    low, high = (goal.text(limit).split(" ")[0] for limit in (chance.low, chance.high))
    return f"{goal.text(chance.error)} ({low} to {high})"


def hardly_answered(
    labels: Sequence[str], counts: Sequence[Sequence[int]], teacher_counts: Sequence[Sequence[int]]
) -> Iterator[Diagnostic]:
    """Yield a warning for each label of a joint path that is given no more often than by guessing.

    Args:
        labels: What the answers mean.
        counts: For each label that is shown, how often each label is the answer.
        teacher_counts: The same of the teachers; where they are no better, nothing is said.
    """
    for place, label in enumerate(labels):
        own, others = (
            table[place][place] / max(1, sum(table[place])) for table in (counts, teacher_counts)
        )
        if own <= 1 / len(labels) < others:
            yield Diagnostic(
                "LEGO656",
                f"what shows {label} is answered right in {100 * own:.0f} % of all cases, and by "
                f"the teachers in {100 * others:.0f} %",
                help=(
                    "give the edges data whose background shows the other categories, too",
                    "or give them more `unlabelled` pictures",
                ),
                severity=Severity.WARNING,
            )
