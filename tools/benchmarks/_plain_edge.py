"""The job of one edge as a plain PyTorch script: stitched, distilled, and measured.

It does what a careful person would write for one pair of networks: features are computed once and
without gradients, the adapter is solved by least squares and rescaled, and a step runs nothing but
adapter and task module. Pictures come from the same source as legonet's. Prints its seconds without
start-up as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from legonet.data.sources.digits import DigitsSource
from legonet.data.task_dataset import TaskDataset
from legonet.data.tensors import to_tensor
from legonet.goals.classification import Classification
from legonet.modules.small import small_vgg

OWN = 256
BATCH = 32
TEMPERATURE = 2.0


def network(name: str, file: str) -> nn.Module:
    """Return a network with its weights."""
    made = small_vgg(1) if name == "small_vgg" else timm.create_model(name, num_classes=1)
    made.load_state_dict(load_file(file))
    return made.eval().requires_grad_(False)


def halves(model: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Return what is below and above the cut."""
    if isinstance(model, nn.Sequential):
        layers = list(model.features)
        return nn.Sequential(*layers[:5]), nn.Sequential(*layers[5:], *list(model)[1:])
    below = [model.conv_stem, model.bn1, *model.blocks[:3]]
    above = [*model.blocks[3:], model.conv_head, model.bn2, model.global_pool, model.classifier]
    return nn.Sequential(*below), nn.Sequential(*above)


@torch.no_grad()
def run(module: nn.Module, images: np.ndarray, batch: int = BATCH) -> Tensor:
    """Return a module's outputs for pictures."""
    parts = range(0, len(images), batch)
    return torch.cat([module(to_tensor(images[at : at + batch])) for at in parts])


def stitched(features: Tensor, own: Tensor) -> nn.Conv2d:
    """Return the 1x1 conv of least squares, rescaled to the variance of the task's features."""
    x, y = (part.double().transpose(0, 1).flatten(1).T for part in (features, own))
    centred, wanted = x - x.mean(0), y - y.mean(0)
    gram = centred.T @ centred
    gram += 1e-3 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    weight = torch.linalg.solve(gram, centred.T @ wanted)
    weight *= wanted.std(0) / (centred @ weight).std(0).clamp(min=1e-12)
    conv = nn.Conv2d(len(gram), y.shape[1], 1)
    conv.weight.data = weight.T[:, :, None, None].float()
    conv.bias.data = (y.mean(0) - x.mean(0) @ weight).float()
    return conv


def main() -> None:
    """Learn one edge, and print the seconds and the error rates."""
    name, category_file, task_file, digit, size, steps = sys.argv[1:]
    torch.manual_seed(0)
    started = time.perf_counter()
    source = DigitsSource()
    train, test = (
        TaskDataset(source, int(size), digit, Classification()).read(split)
        for split in ("train", "test")
    )
    own_train = TaskDataset(source, int(size), "0", Classification()).read("train")
    teacher, donor = network(name, category_file), network(name, task_file)
    (below, _), (own_below, above) = halves(teacher), halves(donor)
    random = np.random.default_rng(0)
    unlabelled = train.images[random.permutation(len(train))[:200]]
    images = np.concatenate(
        [unlabelled, own_train.images[random.permutation(len(own_train))[:OWN]]]
    )
    features = run(below, images)
    adapter = stitched(features, run(own_below, images))
    features, taught = features[:200], run(teacher, unlabelled)
    optimiser = torch.optim.Adam(adapter.parameters(), lr=2e-3)
    for _ in range(int(steps)):
        drawn = torch.randperm(200)[:BATCH]
        answers = above(adapter(features[drawn]))
        wanted = (taught[drawn] / TEMPERATURE).sigmoid()
        loss = functional.binary_cross_entropy_with_logits(answers / TEMPERATURE, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    student = nn.Sequential(below, adapter, above)
    labels = torch.from_numpy(test.labels)
    errors = {
        role: float(((run(module, test.images, 128)[:, 0] > 0) != labels).float().mean())
        for role, module in (("student", student), ("teacher", teacher), ("donor", donor))
    }
    print(json.dumps({"seconds": time.perf_counter() - started, **errors}))


if __name__ == "__main__":
    main()
