"""What the reproduction has to show, held against the runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from figures import mean_of, of_student, of_teacher, overlap, overlap_of_teacher, teachers
from methods import METHODS, UNLABELLED, bare
from runs import Run

OURS = tuple(name for name, method in METHODS.items() if method.ours)

WITH_FEW = (*OURS, f"from_stitched{UNLABELLED}", f"chosen{UNLABELLED}")
"""legonet's methods, with labels alone and with pictures without labels beside them."""


def lines_about(table: int, runs: Sequence[Run]) -> Iterator[str]:
    """Give a sentence about each thing that is needed of a table.

    Args:
        table: Its number.
        runs: Its runs at one scale.
    """
    runs = [run for run in runs if not run.apart]
    if table in (1, 2):
        yield from _without_samples(runs, 0.005 if table == 1 else 0.01)
    elif table == 3:
        yield from _errors_with_few(runs)
    else:
        yield from _accuracy_with_few(runs)


def lines_about_real_networks(runs: Sequence[Run]) -> Iterator[str]:
    """Give a sentence about each thing that is needed of networks with ready weights.

    All are about `transplant()` without labels, in the mean over animals and seeds.

    Args:
        runs: The runs of one table, of transformed pictures or of plain ones.
    """
    plain = [run for run in runs if not run.look]
    related = [run for run in plain if not run.apart]
    apart = [run for run in plain if run.apart]
    if any(run.iou is not None for run in runs):
        yield from _overlap_without_labels("Ancestors apart", apart, with_pictures=True, least=0.8)
        yield from _overlap_without_labels("Ancestors apart", apart, with_pictures=False, least=0.6)
        return
    yield from _errors_without_labels("A common ancestor", related, with_pictures=False, most=1.5)
    yield from _errors_without_labels("A common ancestor", related, with_pictures=True, most=1.5)
    yield from _errors_without_labels("Ancestors apart", apart, with_pictures=True, most=2.0)
    yield from _errors_without_labels("Ancestors apart", apart, with_pictures=False, most=3.0)
    for look in sorted({run.look for run in runs if run.look}):
        looked = [run for run in runs if run.look == look]
        for with_pictures in (False, True):
            yield from _errors_without_labels(
                f"Pictures transformed by `{look}`", looked, with_pictures=with_pictures, most=3.0
            )


def _errors_without_labels(
    whose: str, runs: Sequence[Run], *, with_pictures: bool, most: float
) -> Iterator[str]:
    chosen = _without_labels(runs, with_pictures=with_pictures)
    found, teacher = mean_of(chosen, of_student), mean_of(teachers(chosen), of_teacher)
    if found is not None and teacher is not None:
        distance = 100 * (found.value - teacher.value)
        yield (
            f"{whose}, {_pictures(chosen)}: {distance:+.1f} points from the teachers (needed: "
            f"within {most:.1f}): {_reached(distance <= most)}."
        )


def _overlap_without_labels(
    whose: str, runs: Sequence[Run], *, with_pictures: bool, least: float
) -> Iterator[str]:
    chosen = _without_labels(runs, with_pictures=with_pictures)
    found, teacher = mean_of(chosen, overlap), mean_of(teachers(chosen), overlap_of_teacher)
    if found is not None and teacher is not None and teacher.value:
        share = found.value / teacher.value
        yield (
            f"{whose}, {_pictures(chosen)}: IoU is {share:.2f} of the teachers' (needed: "
            f"{least:.1f}): {_reached(share >= least)}."
        )


def _without_labels(runs: Sequence[Run], *, with_pictures: bool) -> list[Run]:
    return [
        run
        for run in runs
        if bare(run.variant) == "chosen"
        and run.samples == 0
        and bool(run.unlabelled) == with_pictures
    ]


def _pictures(runs: Sequence[Run]) -> str:
    count = max(run.unlabelled for run in runs)
    return f"{count} pictures without labels" if count else "no picture of the animal"


def _without_samples(runs: Sequence[Run], most: float) -> Iterator[str]:
    for variant in ("back_alone", "solved", "chosen"):
        chosen = [run for run in runs if run.variant == variant and run.samples == 0]
        found = mean_of(chosen, of_student)
        teacher = mean_of(teachers(chosen), of_teacher)
        if found is None or teacher is None:
            yield f"{METHODS[variant].words}, 0 samples: not run yet."
            continue
        distance = found.value - teacher.value
        yield (
            f"{METHODS[variant].words}, 0 samples: {100 * distance:+.1f} points from the teachers "
            f"(needed: within {100 * most:.1f}): {_reached(abs(distance) <= most)}."
        )


def _errors_with_few(runs: Sequence[Run]) -> Iterator[str]:
    many = _mean(runs, "ordinary", 100)
    for variant in WITH_FEW:
        few = _mean(runs, variant, 10)
        if few is None or many is None:
            continue
        yield (
            f"{_words(variant)}: {100 * few:.1f} % at 10 samples, OL {100 * many:.1f} % at 100 "
            f"(needed: no worse): {_reached(few <= many)}."
        )
        for count in (10, 20):
            own, other = _mean(runs, variant, count), _mean(runs, "ordinary", count)
            if own is not None and other:
                yield (
                    f"{_words(variant)}: {own / other:.2f} of OL's error at {count} samples "
                    f"(needed: at most 0.6): {_reached(own <= 0.6 * other)}."
                )


def _accuracy_with_few(runs: Sequence[Run]) -> Iterator[str]:
    other = _mean(runs, "ordinary", 10)
    teacher = mean_of(teachers(runs), of_teacher)
    if other is not None and teacher is not None:
        most = 100 * (teacher.value - other)
        yield f"The teachers themselves: {most:+.1f} points over OL at 10 samples."
    for variant in WITH_FEW:
        own = _mean(runs, variant, 10)
        if own is None or other is None:
            continue
        yield (
            f"{_words(variant)}: {100 * (own - other):+.1f} points of pixel accuracy over OL at 10 "
            f"samples (needed: at least 5): {_reached(own - other >= 0.05)}."
        )


def _mean(runs: Sequence[Run], variant: str, samples: int) -> float | None:
    chosen = (run for run in runs if run.variant == variant and run.samples == samples)
    found = mean_of(chosen, of_student)
    return None if found is None else found.value


def _words(variant: str) -> str:
    words = METHODS[variant.removesuffix(UNLABELLED)].words
    return words + (", with pictures without labels" if variant.endswith(UNLABELLED) else "")


def _reached(good: bool) -> str:
    return "reached" if good else "**not reached**"
