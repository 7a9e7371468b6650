"""The page about networks with ready weights, written from single runs and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from about import abouts_of
from experiments import REAL_NETWORKS
from figures import donors, mean_of, of_donor, of_student, of_teacher, overlap, overlap_of_teacher
from needed import lines_about_real_networks
from pages import by_animal, by_samples, how
from paper import beside_the_paper, source
from runs import Run

TITLE = "Real networks: EfficientNet-Lite with ImageNet weights"

SETTING = (
    "Tables 3 and 4 on networks of the kind that people own. EfficientNet-Lite0 with its ImageNet "
    "weights is fine-tuned to one animal each, on pictures of 96 pixels, and cut after `blocks.2`, "
    "whose features are signed; dog's network donates the task module. *Common ancestor*: the "
    "other animals' networks begin with the same weights. *Apart*: they are EfficientNet-Lite1, "
    "with other weights and of another depth. *The donor alone* is dog's whole network on the "
    "other animal's pictures: whoever has that number knows what a transplant is worth. Rates and "
    "steps of OL, TD and BD are legonet's own, and not tuned at this scale. Written by "
    "`tools/reproduce all --scale imagenet`."
)

SECTIONS = {
    "table3": "Classification, as in table 3: error rate",
    "table4": "Segmentation, as in table 4: pixel accuracy",
    "unreadable": "Pictures that the donor cannot read: error rate",
}

TABLES = {"table3": 3, "table4": 4, "unreadable": 3}

LOOKS = {"edges": "edges alone", "dark": "low light", "inverted": "inverted colours"}

UNREADABLE = (
    "The category networks learned from transformed pictures, and are tested on them; the donor "
    "knows plain ones alone. So the category module is what matters."
)

BESIDE = (
    f"The paper's figures are those of {source()}, with VGG-16; ours are those of a common "
    "ancestor. What can be compared is which method is better, and by how much."
)


def real_networks_page(runs: Sequence[Run], about: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        runs: All runs, at any scale.
        about: How they came about, by ``SCALE/TABLE``.
    """
    own = [run for run in runs if run.scale == REAL_NETWORKS]
    lines = [f"# {TITLE}", "", SETTING, ""]
    for name, title in SECTIONS.items():
        looked = name == "unreadable"
        part = [r for r in own if r.table == TABLES[name] and bool(r.look) == looked]
        lines += [f"## {title}", ""]
        if not part:
            lines += ["Nothing is built yet.", ""]
            continue
        specs = (f"{REAL_NETWORKS}_{name}", _networks(name))
        lines += [*how(specs, part, abouts_of(about, f"{REAL_NETWORKS}/{name}")), ""]
        needed = [f"- {line}" for line in lines_about_real_networks(part)]
        if needed:
            lines += ["### What was to be shown", "", *needed, ""]
        lines += [*(_unreadable(part) if looked else _table(TABLES[name], part)), ""]
    return "\n".join(lines).rstrip() + "\n"


def _networks(name: str) -> str:
    ends = {"table3": "", "table4": "_outlines", "unreadable": "_looks"}
    return f"{REAL_NETWORKS}{ends[name]}"


def _table(table: int, runs: Sequence[Run]) -> Iterator[str]:
    yield from (*by_samples(runs, of_student, of_teacher), "")
    if table == 4:
        yield from ("### IoU", "", *by_samples(runs, overlap, overlap_of_teacher), "")
    yield from ("### Beside the paper's", "", BESIDE, "", *beside_the_paper(table, runs), "")
    yield from ("### Animal by animal", "", *by_animal(runs))


def _unreadable(runs: Sequence[Run]) -> Iterator[str]:
    yield UNREADABLE
    for look in sorted({run.look for run in runs}):
        part = [run for run in runs if run.look == look]
        yield from ("", f"### {LOOKS[look].capitalize()}", "")
        yield from by_samples(part, of_student, of_teacher)
        measured = donors(part)
        teacher, donor = (mean_of(measured, figure) for figure in (of_teacher, of_donor))
        if teacher is not None and donor is not None:
            distance = 100 * (donor.value - teacher.value)
            yield from ("", f"The donor alone is {distance:.1f} points from the teachers.")
