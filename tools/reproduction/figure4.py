"""Figure 4: the last hidden features after adapters, in their first two principal components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
import torch
from experiments import Experiment
from methods import METHODS
from numpy.typing import NDArray
from runs import name_of
from torch import Tensor, nn

from legonet import TransplantNetwork
from legonet.building.planning.datasets import TaskDatasets
from legonet.data import Pictures
from legonet.data.tensors import to_tensor

VARIANTS = ("ordinary", "back", "from_solved", "chosen")
"""What is compared, beside the teacher."""

SAMPLES = 10
"""Labelled pictures that they learned from."""

BATCH = 32
"""Pictures that run through a network at once."""

SHOWN = 120
"""Points of each kind in a panel, at most."""


@dataclass(frozen=True)
class Cloud:
    """Hidden features of test pictures.

    Args:
        who: A name of `METHODS`, or ``teacher``.
        animal: The category.
        seed: Of the networks.
        points: Along the first two principal components, ``(N, 2)``.
        labels: 1 for the animal, ``(N,)``.
        share: Of the variance that these two have.
        dimensions: Participation ratio of the variances: in how many directions features spread.
        strength: Mean norm of the features.
    """

    who: str
    animal: str
    seed: int
    points: NDArray[np.float64]
    labels: NDArray[np.int64]
    share: float
    dimensions: float
    strength: float

    @classmethod
    def of(
        cls,
        who: str,
        animal: str,
        seed: int,
        features: NDArray[np.float64],
        labels: NDArray[np.int64],
    ) -> Cloud:
        """Return it for features, ``(N, D)``."""
        centred = features - features.mean(0)
        _, values, directions = np.linalg.svd(centred, full_matrices=False)
        variances = values**2
        total = max(float(variances.sum()), np.finfo(float).tiny)
        return cls(
            who,
            animal,
            seed,
            centred @ directions[:2].T,
            labels,
            float(variances[:2].sum() / total),
            float(total**2 / max(float((variances**2).sum()), np.finfo(float).tiny)),
            float(np.linalg.norm(features, axis=1).mean()),
        )


def clouds_of(experiment: Experiment) -> Iterator[Cloud]:
    """Give the clouds of all edges that are built and of their teachers.

    Args:
        experiment: Table 3's.
    """
    plan = experiment.plan
    network = TransplantNetwork(plan, experiment.workspace)
    questions = TaskDatasets(plan.graph.spec)
    seen = set()
    for step in plan.edges:
        question = questions.of_edge(step.edge)
        if step.artifact is None or question is None:
            continue
        named = name_of(step)
        if named["variant"] not in VARIANTS or int(named["samples"]) != SAMPLES:
            continue
        pictures = question.read("test")
        animal, seed = named["animal"], int(named["seed"])
        if (animal, seed) not in seen:
            seen.add((animal, seed))
            own = f"{animal}_{seed}"  # both ends of the direct edge through the teacher
            features = _hidden(network.route(own, own), pictures)
            yield Cloud.of("teacher", animal, seed, features, pictures.labels)
        features = _hidden(network.route(*step.edge.ends), pictures)
        yield Cloud.of(named["variant"], animal, seed, features, pictures.labels)


@torch.no_grad()
def _hidden(module: nn.Module, pictures: Pictures) -> NDArray[np.float64]:
    """Return what goes into the last fully connected layer, ``(N, D)``."""
    last = [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
    found: list[Tensor] = []
    hook = last.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0].cpu()))
    device = next(module.parameters()).device
    try:
        for first in range(0, len(pictures), BATCH):
            module(to_tensor(pictures.images[first : first + BATCH]).to(device))
    finally:
        hook.remove()
    return torch.cat(found).double().numpy()


def words_about(clouds: Sequence[Cloud], scale: str) -> str:
    """Return the page that goes with the figure."""
    lines = [
        "# Figure 4: the last hidden features",
        "",
        f"![First two principal components](figure4_{scale}.svg)",
        "",
        (
            f"Test pictures of [table 3](table3.md) ({scale} scale), adapters that were learned "
            f"from {SAMPLES} samples: what goes into the last fully connected layer, along the "
            "first two principal components of each network's own features. The panels show "
            f"{clouds[0].animal}, seed {clouds[0].seed}; the figures below are means ± standard "
            f"deviations over {len({(c.animal, c.seed) for c in clouds})} animals and seeds. The "
            "paper draws OL against BD; the other two are legonet's. Written by `tools/reproduce`."
        ),
        "",
        "| network | share of variance in two components | directions | activation strength |",
        "| --- | --- | --- | --- |",
    ]
    strengths = {(c.animal, c.seed): c.strength for c in clouds if c.who == "teacher"}
    relative: dict[str, float] = {}
    for who in ("teacher", *VARIANTS):
        own = [cloud for cloud in clouds if cloud.who == who]
        if not own:
            continue
        ratios = [cloud.strength / strengths[cloud.animal, cloud.seed] for cloud in own]
        relative[who] = fmean(ratios)
        cells = (
            _mean([100 * cloud.share for cloud in own], " %"),
            _mean([cloud.dimensions for cloud in own]),
            _mean(ratios),
        )
        lines.append(f"| {_called(who)} | {' | '.join(cells)} |")
    lines += [
        "",
        (
            "*Directions* is the participation ratio of the variances along all components, 1 "
            "where all features lie on a line. *Activation strength* is the mean norm of the "
            "features over the teacher's own."
        ),
        "",
        *_compared(clouds, relative),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _compared(clouds: Sequence[Cloud], strength: dict[str, float]) -> Iterator[str]:
    shares = {
        who: fmean(c.share for c in clouds if c.who == who)
        for who in ("ordinary", "back")
        if any(c.who == who for c in clouds)
    }
    if len(shares) < 2:
        return
    ordinary, back = shares["ordinary"], shares["back"]
    yield (
        f"With OL two components hold {100 * ordinary:.0f} % of the variance, with BD "
        f"{100 * back:.0f} %: the features behind OL spread "
        f"{'less' if ordinary > back else 'no less'} than those behind BD. They are "
        f"{strength['ordinary']:.2f} times as strong as the teacher's with OL, and "
        f"{strength['back']:.2f} times with BD."
    )


def drawn(clouds: Sequence[Cloud]) -> str:
    """Return the figure as SVG: a panel for each network, of the first animal and seed."""
    first = clouds[0]
    own = [cloud for cloud in clouds if (cloud.animal, cloud.seed) == (first.animal, first.seed)]
    side, gap, head = 180, 16, 34
    width = len(own) * (side + gap) + gap
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {side + head + 40}" '
            f'width="{width}" font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{width}" height="{side + head + 40}" fill="white"/>',
    ]
    for place, cloud in enumerate(own):
        left = gap + place * (side + gap)
        parts.append(f'<text x="{left}" y="22">{_called(cloud.who, short=True)}</text>')
        parts.append(
            f'<rect x="{left}" y="{head}" width="{side}" height="{side}" fill="none" '
            'stroke="#999999"/>'
        )
        parts += _dots(cloud, left, head, side)
        parts.append(
            f'<text x="{left}" y="{head + side + 18}">{100 * cloud.share:.0f} % of the variance'
            "</text>"
        )
    parts.append(
        f'<text x="{gap}" y="{head + side + 34}" fill="#c0392b">{first.animal}</text>'
        f'<text x="{gap + 60}" y="{head + side + 34}" fill="#2c5f8a">background</text></svg>'
    )
    return "\n".join(parts) + "\n"


def _dots(cloud: Cloud, left: int, head: int, side: int) -> Iterator[str]:
    middle = cloud.points.mean(0)
    reach = max(float(np.abs(cloud.points - middle).max()), np.finfo(float).tiny)
    for label, colour in ((0, "#2c5f8a"), (1, "#c0392b")):
        for across, up in cloud.points[cloud.labels == label][:SHOWN]:
            x = left + side / 2 * (1 + 0.95 * (across - middle[0]) / reach)
            y = head + side / 2 * (1 - 0.95 * (up - middle[1]) / reach)
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{colour}" fill-opacity="0.6"/>'


def _called(who: str, *, short: bool = False) -> str:
    if who == "teacher":
        return "teacher" if short else "*the teacher*"
    return METHODS[who].label if short else METHODS[who].words


def _mean(values: Sequence[float], unit: str = "") -> str:
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{fmean(values):.2f}{spread}{unit}"
