"""The pages of docs/results, written from single runs and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from about import abouts_of
from experiments import REAL_NETWORKS, SCALES
from figures import (
    Figure,
    donors,
    mean_of,
    of_donor,
    of_student,
    of_teacher,
    overlap,
    overlap_of_teacher,
    teachers,
)
from methods import METHODS, Row, row_of
from needed import lines_about
from paper import beside_the_paper, source
from runs import Run

TITLES = {
    1: "An adapter of one 3x3 conv put into one network",
    2: "An adapter of three 3x3 convs put into one network",
    3: "A task module transplanted to other animals: classification",
    4: "A task module transplanted to other animals: segmentation",
}

SETTINGS = {
    1: "The adapter is between the two halves of an animal's own network, whose channels come "
    "in a random order at the cut, so that no adapter is right by accident. Error rate in %, the "
    "mean of the error on the animal and on background: always the same answer scores 50 %.",
    2: "As in [table 1](table1.md), with three convs. Error rate in %.",
    3: "The dog's network donates the task module; the others' bottoms are joined to it by three "
    "1x1 convs, their channels in a random order. Error rate in %. At the small scale the made-up "
    "output gradient is a single number, where the paper has a 7x7 map, since maps of 5x5 cannot "
    "be read through a pooling to 2x2.",
    4: "The dog's FCN donates the task module; the others' bottoms are joined to it by one 1x1 "
    "conv, their channels in a random order. Pixel accuracy in % over the pictures of the animal; "
    "below it intersection over union (IoU) of the animal, since background alone scores most of "
    "the pixel accuracy.",
}

Abouts = Sequence[tuple[str, Mapping[str, Any]]]
"""How the parts of a table came about, each with its seeds in words."""

FEWEST_SEEDS = 3
"""Below, a page says that its figures are not to be relied on."""

BESIDE = {
    1: "The paper's networks are VGG-16, one for each animal, on crops of PASCAL-Part.",
    2: "The paper's networks are VGG-16, one for each animal, on crops of PASCAL-Part.",
    3: "The paper's networks are VGG-16, one for each animal, on crops of PASCAL-Part.",
    4: "The paper's networks are FCNs over VGG-16, on VOC 2011 and SBD.",
}
"""What the paper's figures come from, so that they can be compared with ours."""


def page(table: int, runs: Sequence[Run], about: Mapping[str, Any]) -> str:
    """Return the page of a table.

    Args:
        table: Its number.
        runs: All runs of the table, at any scale.
        about: How they came about, by ``SCALE/TABLE``.
    """
    lines = [f"# Table {table}: {TITLES[table]}", "", SETTINGS[table], ""]
    lines += [
        (
            "The paper's own figures stand beside ours, row for row; they are those of "
            f"{source()}. {BESIDE[table]} Its networks and pictures are not ours: what can be "
            "compared is which method is better, and by how much."
        ),
        "",
    ]
    lines += [
        (
            "Each figure is the mean over categories and seeds ± the standard deviation of the "
            "seeds' means over categories. A dash: not part of the experiment, or not built yet. "
            "Every single run is in [results.json](results.json). Written by `tools/reproduce`."
        ),
        "",
    ]
    for scale in SCALES:
        if scale == REAL_NETWORKS:
            continue
        chosen = [run for run in runs if run.scale == scale and run.table == table]
        if chosen:
            lines += _scale(table, scale, chosen, abouts_of(about, f"{scale}/table{table}"))
    return "\n".join(lines).rstrip() + "\n"


def _scale(table: int, scale: str, runs: Sequence[Run], abouts: Abouts) -> Iterator[str]:
    names = (f"table{table}", scale)
    yield from (f"## {scale.capitalize()} scale", "", *how(names, runs, abouts), "")
    needed = [f"- {line}" for line in lines_about(table, runs)]
    if needed:
        yield from ("### What was to be shown", "", *needed, "")
    yield from ("### Beside the paper's", "", *beside_the_paper(table, runs), "")
    together = "### All animals together" + (": pixel accuracy" if table == 4 else "")
    yield from (together, "", *by_samples(runs, of_student, of_teacher), "")
    if table == 4:
        yield from ("### All animals together: IoU", "")
        yield from (*by_samples(runs, overlap, overlap_of_teacher), "")
    yield from ("### Animal by animal", "", *by_animal(runs), "")


def how(specs: tuple[str, str], runs: Sequence[Run], abouts: Abouts) -> Iterator[str]:
    """Give how runs came about.

    Args:
        specs: Names of the spec and of that with its networks.
        runs: The runs.
        abouts: How the parts of the table came about; see `about.abouts_of`.
    """
    named = " with ".join(f"[{name}.lego](../../specs/paper/{name}.lego)" for name in specs)
    yield (
        f"{named}, "
        f"{_counted(len({run.seed for run in runs}), 'seed')}, {len(runs)} runs; on "
        f"{'; '.join(sorted({run.device for run in runs}))}."
    )
    seeds = len({run.seed for run in runs})
    if seeds < FEWEST_SEEDS:
        yield f"**Not finished: {seeds} of the {FEWEST_SEEDS} seeds that the figures need.**"
    missing = sum(about["edges"] - about["edges built"] for _, about in abouts)
    if missing:
        whole = sum(about["edges"] for _, about in abouts)
        yield f"**Partial: {missing} of {whole} runs are not built yet.**"
    for seeds, about in abouts:
        if seeds:
            yield from ("", f"{seeds.capitalize()}:")
        yield from _how_built(about)


def _how_built(about: Mapping[str, Any]) -> Iterator[str]:
    settings = " ".join(f"--set '{item}'" for item in about["settings"])
    yield from ("", f"- Settings: `{settings}`")
    yield from (f"- `{name}`: SHA-256 `{digest}`" for name, digest in about["specs"].items())
    versions = dict(about["versions"])
    used = ", ".join(versions.pop("torch that computed"))
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    yield f"- Versions: {named}; torch of the runs {used}"
    yield (
        f"- Time: {about['wall seconds'] / 60:.0f} minutes by the clock for the builds of this "
        f"spec; {about['seconds of edges'] / 60:.0f} minutes of work on adapters, and "
        f"{about['seconds of networks'] / 60:.0f} on networks, which the tables share"
    )
    pictures = (
        f"{name} {item['train']}/{item['test']} ({item['source']}, {item['size']} px)"
        for name, item in about["pictures"].items()
    )
    yield f"- Pictures, train/test: {'; '.join(pictures)}"
    yield f"- Networks on test pictures, in %: {'; '.join(_networks(about['networks']))}"


def _networks(networks: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    for name, metrics in networks.items():
        figures = (f"{what.replace('_', ' ')} {100 * value:.1f}" for what, value in metrics.items())
        yield f"`{name}` {', '.join(figures)}"


def by_samples(runs: Sequence[Run], figure: Figure, teacher: Figure) -> Iterator[str]:
    """Give a table: a row for each method, a column for each number of samples.

    Args:
        runs: What to show.
        figure: Which figure of theirs.
        teacher: The same of their teachers.
    """
    counts = sorted({run.samples for run in runs}, reverse=True)
    yield "| method | " + " | ".join(f"{count} samples" for count in counts) + " | seconds |"
    yield "| --- |" + " --- |" * (len(counts) + 1)
    for apart in sorted({run.apart for run in runs}):
        part = [run for run in runs if run.apart == apart]
        mean = mean_of(teachers(part), teacher)
        whose = "*the teachers, whose ancestor was trained apart*" if apart else "*the teachers*"
        yield f"| {whose} |" + f" {mean} |" * len(counts) + " |"
        donor = mean_of(donors(part), of_donor) if figure is of_student else None
        if donor is not None:
            yield "| *the donor alone* |" + f" {donor} |" * len(counts) + " |"
        for row in _rows(part):
            own = [run for run in part if row_of(run.variant, run.unlabelled) == row]
            means = (mean_of((r for r in own if r.samples == n), figure) for n in counts)
            cells = " | ".join("-" if mean is None else str(mean) for mean in means)
            seconds = sum(run.seconds for run in own) / len(own)
            yield f"| {_marked(row)} | {cells} | {seconds:.1f} |"


def by_animal(runs: Sequence[Run]) -> Iterator[str]:
    """Give a table: a row for each method and number of samples, a column for each animal."""
    animals = sorted({run.category for run in runs})
    yield "| method | samples | " + " | ".join(animals) + " |"
    yield "| --- | --- |" + " --- |" * len(animals)
    for apart in sorted({run.apart for run in runs}):
        part = [run for run in runs if run.apart == apart]
        words = "*the teachers*" if not apart else "*the teachers, trained apart*"
        yield f"| {words} | | {_cells(teachers(part), animals, of_teacher)} |"
        if donors(part):
            yield f"| *the donor alone* | | {_cells(donors(part), animals, of_donor)} |"
        for row in _rows(part):
            own = [run for run in part if row_of(run.variant, run.unlabelled) == row]
            for count in sorted({run.samples for run in own}, reverse=True):
                chosen = [run for run in own if run.samples == count]
                yield f"| {_marked(row)} | {count} | {_cells(chosen, animals, of_student)} |"


def _cells(runs: Sequence[Run], animals: Sequence[str], figure: Figure) -> str:
    means = (mean_of((run for run in runs if run.category == name), figure) for name in animals)
    return " | ".join("-" if mean is None else str(mean) for mean in means)


def _rows(runs: Sequence[Run]) -> list[Row]:
    return sorted({row_of(run.variant, run.unlabelled) for run in runs})


def _marked(row: Row) -> str:
    """Return a row's words, with what the paper has not in it."""
    method = list(METHODS.values())[row.place]
    mark = "control: " if method.control else ""
    return f"{mark}{row.words}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
