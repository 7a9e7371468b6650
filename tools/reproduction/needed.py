"""What the reproduction has to show, held against the runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from figures import mean_of, of_student, of_teacher, teachers
from methods import METHODS, UNLABELLED
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
