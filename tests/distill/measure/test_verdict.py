"""Edges beside chance, beside their teachers and beside the donor alone: who fails, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from scripted import Scripted, answered, balanced, logits, pictures, two_kinds

from legonet.data.pictures import Pictures
from legonet.diagnostics import CODES, Severity
from legonet.distill.measure import Judged, Measured, judge, measured
from legonet.goals import Goal
from legonet.goals.classification import Classification
from legonet.goals.figures.agreement import differ_on_pictures, differ_on_pixels
from legonet.goals.figures.intervals import mean_of_two, proportion
from legonet.goals.segmentation import Segmentation

CLASSIFICATION = Classification()

RELATED = {"ancestor_r2": 0.95}
GOOD = balanced(5, 5, 100)
CHANCE = balanced(50, 50, 100)


def judged(
    student: Measured,
    teacher: Measured = GOOD,
    donor: Measured = GOOD,
    test: Pictures | None = None,
    *,
    goal: Goal = CLASSIFICATION,
    learned: dict[str, Any] = RELATED,
    learned_from: int = 10,
) -> Judged:
    """Return the verdict on an edge, 100 pictures of each kind unless given."""
    test = two_kinds(100) if test is None else test
    found = judge(student, teacher, donor, test, goal, learned=learned, learned_from=learned_from)
    for item in (*filter(None, [found.failure]), *found.warnings):
        assert item.code in CODES
        assert item.help
        assert "\n" not in item.message
    return found


def failed(found: Judged, code: str = "LEGO650") -> str:
    """Check that an edge failed, and return what a person reads."""
    assert found.failure is not None
    assert found.failure.code == code
    return "\n".join((found.failure.message, *found.failure.help))


def warned(found: Judged, code: str) -> str:
    """Check that there is one warning, and return its message."""
    (warning,) = found.warnings
    assert (warning.code, warning.severity) == (code, Severity.WARNING)
    return warning.message


def test_an_edge_that_is_better_than_chance_has_no_failure_and_all_figures() -> None:
    found = judged(balanced(8, 4, 100), GOOD, balanced(10, 12, 100))
    assert (found.failure, found.warnings) == (None, ())
    assert found.metrics["error_rate"] == 0.06
    assert found.metrics["teacher_error_rate"] == 0.05
    assert found.metrics["donor_error_rate"] == 0.11
    assert found.metrics["donor_auc"] > 0.85
    assert 0.9 < found.metrics["agreement"] < 1


@pytest.mark.parametrize("wrong", [50, 45, 55, 97])
def test_an_edge_that_may_be_at_chance_has_failed(wrong: int) -> None:
    text = failed(judged(balanced(wrong, wrong, 100)))
    assert f"chance: error {wrong:.1f} % (" in text
    assert "on 200 test pictures, where the same answer to everything has 50.0 %" in text


def test_few_that_answer_at_random_pass_for_better_than_chance() -> None:
    # One side of an interval of 95 %: 2.5 of 100, and never many more.
    wrong = np.random.default_rng(0).binomial(60, 0.5, (1000, 2)).tolist()
    errors = [mean_of_two(proportion(first, 60), proportion(other, 60)) for first, other in wrong]
    assert sum(error.high < 0.5 for error in errors) <= 0.04 * len(errors)


@pytest.mark.parametrize("answer", [-3.0, 0.0, 3.0])
def test_the_same_answer_to_everything_is_named_as_the_cause(answer: float) -> None:
    constant = answered(np.full(200, answer), two_kinds(100))
    text = failed(judged(constant))
    assert "one and the same answer to everything: no feature passes the adapter" in text
    text = failed(judged(constant, donor=constant))
    assert "the task module gives one and the same answer to everything" in text


def test_answers_that_are_not_finite_are_named_as_the_cause() -> None:
    text = failed(judged(answered(np.full(200, np.nan), two_kinds(100))))
    assert "100.0 % of its answers are not finite numbers" in text


def test_a_threshold_that_is_off_is_named_as_the_cause() -> None:
    text = failed(judged(answered(logits(5, 5, 100) - 2, two_kinds(100))))
    assert "only the threshold is off: the area under the ROC curve is 0.95" in text


def test_a_teacher_at_chance_is_said_first_of_all() -> None:
    text = failed(judged(CHANCE, teacher=CHANCE), "LEGO651")
    assert "nothing can be learned from this teacher" in text
    # An edge that learned from labels all the same is good, and the teacher is still bad.
    found = judged(balanced(8, 4, 100), teacher=CHANCE)
    assert found.failure is None
    assert "the teacher is itself no better than chance" in found.warnings[0].message


def test_one_test_picture_of_each_kind_could_tell_no_network_from_chance() -> None:
    perfect = balanced(0, 0, 1)
    text = failed(judged(perfect, perfect, perfect, two_kinds(1)))
    assert "2 test pictures are too few to tell any network from chance" in text


def test_pictures_that_do_not_suffice_for_such_an_error_are_too_few() -> None:
    student, good = balanced(3, 4, 10), balanced(0, 0, 10)
    text = failed(judged(student, good, good, two_kinds(10)))
    assert "20 test pictures are too few to tell such an error from chance" in text
    assert judged(balanced(40, 40, 100)).failure is None


def test_no_ancestor_and_no_picture_are_named_as_the_cause() -> None:
    apart = {"ancestor_r2": 0.4}
    text = failed(judged(CHANCE, learned=apart, learned_from=0))
    assert "and there was no picture of the category" in text
    assert "unlabelled: 200" in text
    assert "common ancestor" not in failed(judged(CHANCE, learned=apart, learned_from=10))
    assert "common ancestor" not in failed(judged(CHANCE, learned=RELATED, learned_from=0))


def test_a_donor_at_chance_means_different_questions() -> None:
    text = failed(judged(CHANCE, donor=CHANCE))
    assert "different questions" in text
    assert "different questions" not in failed(judged(CHANCE))


def test_pictures_that_are_all_the_same_count_once() -> None:
    test = two_kinds(50)
    test.images[:50] = test.images[0]
    found = judged(balanced(0, 0, 50), balanced(0, 0, 50), balanced(0, 0, 50), test)
    alike = answered(logits(0, 0, 50), test)
    message = warned(judged(alike, alike, alike, test), "LEGO654")
    assert message.startswith("the 50 test pictures of the category are one and the same")
    assert message.endswith("the figures rest on one picture")
    # Wilson's interval of one picture, and that of the 50 others.
    assert alike.metrics["error_rate_high"] > 0.35 > found.metrics["error_rate_high"]
    test.images[50:] = test.images[50]
    both = answered(logits(0, 0, 50), test)
    text = failed(judged(both, both, both, test))
    assert "2 test pictures are too few" in text


def test_several_outputs_have_to_beat_the_most_frequent_label() -> None:
    labels = np.array([0] * 60 + [1] * 20 + [2] * 20)
    test = pictures(labels)

    def network(right: int) -> Measured:
        """Answer the most frequent label, but for some of the others that it knows."""
        known = np.concatenate(
            [np.zeros(60, int), labels[60 : 60 + right], np.zeros(40 - right, int)]
        )
        outputs = torch.nn.functional.one_hot(torch.from_numpy(known), 3).double() * 5
        return measured(Scripted(outputs), test, Classification())

    good = network(40)
    assert "everything has 40.0 %" in failed(judged(network(0), good, good, test))
    assert judged(network(30), good, good, test).failure is None


def segments(shift: float, pixels: int = 8, of: int = 30) -> tuple[Measured, Pictures]:
    """Return a network that is right on one half of the pixels, and on more with a shift."""
    random = np.random.default_rng(1)
    masks = random.integers(0, 2, (of, pixels, pixels)).astype(np.uint8)
    test = pictures([1] * of, masks)
    return answered(random.normal(shift * (2.0 * masks - 1), 1.0), test), test


def test_segmentation_is_judged_by_its_balanced_accuracy() -> None:
    good, test = segments(2.0)
    chance, _ = segments(0.0)
    text = failed(judged(chance, good, good, test, goal=Segmentation()))
    assert "chance: balanced pixel error " in text
    assert "on 30 test pictures" in text
    better, _ = segments(0.3)
    assert judged(better, good, better, test, goal=Segmentation()).failure is None


@pytest.mark.parametrize("answer", [-1.0, 1.0])
def test_the_same_answer_to_every_pixel_fails_however_accurate_it_is(answer: float) -> None:
    masks = np.zeros((20, 8, 8), np.uint8)
    masks[:, :1, :3] = 1
    test = pictures([1] * 20, masks)
    constant = answered(np.full(masks.shape, answer), test)
    good = answered(2.0 * masks - 1, test)
    assert "same answer" in failed(judged(constant, good, good, test, goal=Segmentation()))


def test_one_picture_with_a_mask_tells_nothing() -> None:
    good, test = segments(3.0, of=1)
    text = failed(judged(good, good, good, test, goal=Segmentation()))
    assert "1 test picture are too few" not in text
    assert "1 test picture is too few to tell any network from chance" in text


@pytest.mark.parametrize(
    ("student", "certain"), [(balanced(30, 30, 100), True), (balanced(7, 7, 100), False)]
)
def test_an_edge_that_is_worse_than_the_donor_alone_is_warned_of(
    student: Measured, certain: bool
) -> None:
    message = warned(judged(student), "LEGO652")
    errors = (student.metrics["error_rate"], GOOD.metrics["error_rate"])
    for error in errors:
        assert f"{100 * error:.1f} %" in message
    assert message.endswith("more than noise" if certain else "which may be noise")
    assert judged(GOOD, donor=student).warnings == ()


def test_pixels_have_their_donor_too() -> None:
    good, test = segments(2.0)
    worse, _ = segments(0.5)
    message = warned(judged(worse, good, good, test, goal=Segmentation()), "LEGO652")
    assert "of the pixels" in message
    assert message.endswith("more than noise")
    masks = test.masks
    assert masks is not None
    assert not differ_on_pixels(good.answers, good.answers, masks)


@pytest.mark.parametrize(("alone", "others"), [(0, 0), (3, 3), (9, 2), (10, 1), (5, 0), (6, 0)])
def test_the_paired_test_is_that_of_mcnemar(alone: int, others: int) -> None:
    wrong = np.zeros(100, bool)
    theirs = np.zeros(100, bool)
    wrong[:alone] = True
    theirs[50 : 50 + others] = True
    wrong[90:], theirs[90:] = True, True
    either = alone + others
    expected = either > 0 and binomtest(alone, either, 0.5).pvalue < 0.05
    assert differ_on_pictures(wrong, theirs, None) == expected
    # One label alone is a mean over labels, too.
    assert differ_on_pictures(wrong, theirs, np.ones(100, np.int64)) == expected


def test_the_paired_test_weighs_pictures_as_the_balanced_error_does() -> None:
    labels = np.array([1] * 20 + [0] * 2000)
    wrong, theirs = np.zeros(2020, bool), np.zeros(2020, bool)
    # Eight of 20 against 30 of 2000: fewer pictures, and far more of the error.
    wrong[:8] = True
    theirs[20:50] = True
    assert differ_on_pictures(wrong, theirs, labels)
    assert differ_on_pictures(theirs, wrong, labels)
    wrong[1:8] = False
    assert not differ_on_pictures(wrong, theirs, labels)


def test_the_paired_test_is_wrong_in_at_most_5_of_100() -> None:
    random = np.random.default_rng(0)
    labels = np.array([1] * 40 + [0] * 120)
    found = sum(
        differ_on_pictures(random.random(160) < 0.2, random.random(160) < 0.2, labels)
        for _ in range(500)
    )
    assert found <= 0.07 * 500
