"""Small task modules with every kind of layer, for the tests of the distillation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from legonet.data.pictures import Pictures
from legonet.data.tensors import to_tensor
from legonet.distill.edges.edge import Edge
from legonet.distill.edges.gradients import Gradients
from legonet.distill.starts import STARTS
from legonet.goals import Goal
from legonet.goals.classification import Classification

CLASSIFICATION = Classification()

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 16


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_var.uniform_(0.5, 2)
                layer.running_mean.uniform_(-1, 1)
                if layer.affine:
                    layer.weight.data.uniform_(0.5, 2)
    return module.eval().requires_grad_(False)


def vgg_top(channels: int = 4, outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 5, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(20, 7),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(7, outputs),
    )


def fcn_top(channels: int = 4, outputs: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 6, 3, stride=2, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, outputs, 1),
        nn.Upsample(scale_factor=8, mode="bilinear", align_corners=False),
    )


def bottom(channels: int = 4) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(6, channels, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def reordered(network: nn.Sequential, order: torch.Tensor) -> nn.Sequential:
    """The same network, the filters of its bottom's top conv in another order."""
    with torch.no_grad():
        filters, reader = network[0][2], network[1][0]
        filters.weight.copy_(filters.weight[order].clone())
        filters.bias.copy_(filters.bias[order].clone())
        reader.weight.copy_(reader.weight[:, order].clone())
    return network


def network(seed: int, top: Callable[..., nn.Module] = vgg_top, **options: int) -> nn.Sequential:
    channels = options.get("channels", 4)
    made = seeded(lambda: nn.Sequential(bottom(channels), top(**options)), seed)
    assert isinstance(made, nn.Sequential)
    last = [layer for layer in made[1] if isinstance(layer, nn.Conv2d | nn.Linear)][-1]
    # Untrained networks answer all pictures alike: spread their answers around zero.
    for _ in range(2):
        answers = made(to_tensor(pictures(40, seed=5).images)).transpose(0, 1).flatten(1)
        spread = answers.std(1)
        last.bias.sub_(answers.median(1).values).div_(spread)
        last.weight.div_(spread.reshape(-1, *(1 for _ in last.weight.shape[1:])))
    return made


def pictures(count: int, seed: int = 0, masks: bool = False) -> Pictures:
    """Bright or dark noise pictures; the bright ones are the category."""
    random = np.random.default_rng(seed)
    labels = (np.arange(count) % 2).astype(np.int64)
    images = random.integers(0, 128, (count, SIZE, SIZE, 3)) + 120 * labels[:, None, None, None]
    given = np.repeat(labels, SIZE * SIZE).reshape(count, SIZE, SIZE).astype(np.uint8)
    return Pictures(images.astype(np.uint8), labels, given if masks else None)


def edge(
    teacher: nn.Sequential,
    student: nn.Sequential,
    *,
    labelled: int = 0,
    unlabelled: int = 0,
    own: int = 0,
    goal: Goal = CLASSIFICATION,
) -> Edge:
    masks = goal.asks_for == "mask"
    return Edge(
        category_module=teacher[0],
        task_module=student[1],
        own_category_module=student[0],
        teacher=teacher,
        teacher_top=teacher[1],
        goal=goal,
        size=SIZE,
        labelled=pictures(labelled, 1, masks),
        unlabelled=pictures(unlabelled, 2, masks),
        own=pictures(own, 3, masks),
    )


def silent(done: float, words: str) -> None:
    """A progress that nobody looks at."""


def begin(context, kernels, start, options=None):
    """Return an edge's adapter with a start, from gradients that are drawn with these options."""
    found = STARTS.get(start)()
    draws = options is not None and found.needs_pseudo_gradients
    if not draws:
        return found.begin(context, kernels)
    return found.begin_from(Gradients.draw(context, kernels, options), context, kernels)
