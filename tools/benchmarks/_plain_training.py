"""The training of one specific network as a plain PyTorch script.

It does what a careful person would write: a data loader decodes and resizes pictures in processes
of its own, each batch has as many of the category as of the background, each picture is shifted a
little, and the loss of every step is logged. Prints its seconds without start-up, and the error
rate, as JSON.
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

from legonet.data.tensors import to_tensor
from legonet.modules.small import small_vgg

BATCH = 32
RATE = 1e-3
SHIFT = 1 / 8


class Folder(Dataset):
    """Pictures of a category and of the background, shifted at random while training."""

    def __init__(self, folder: Path, size: int, *, shifted: bool) -> None:
        self.files = [
            (file, int(kind == "cat"))
            for kind in ("background", "cat")
            for file in sorted((folder / kind).iterdir())
        ]
        self.size = size
        self.shift = int(size * SHIFT) if shifted else 0

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, float]:
        file, label = self.files[index]
        with Image.open(file) as picture:
            small = picture.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(small)).permute(2, 0, 1)
        if self.shift:
            padded = functional.pad(pixels[None].float(), [self.shift] * 4, mode="reflect")[0]
            down, right = (random.randint(0, 2 * self.shift) for _ in range(2))
            pixels = padded[:, down : down + self.size, right : right + self.size].byte()
        return pixels, float(label)


def batches(data: Folder, size: int | None) -> DataLoader:
    """Return a loader: of balanced random batches, or of everything in order."""
    if size is None:
        return DataLoader(data, 128, num_workers=2)
    counts = [sum(label == kind for _, label in data.files) for kind in (0, 1)]
    weights = [1 / counts[label] for _, label in data.files]
    return DataLoader(data, size, sampler=WeightedRandomSampler(weights, len(data)), num_workers=2)


def main() -> None:
    """Train, measure, and print what it took."""
    name, folder, size, epochs = sys.argv[1:]
    torch.manual_seed(0)
    started = time.perf_counter()
    train = Folder(Path(folder) / "train", int(size), shifted=True)
    test = Folder(Path(folder) / "test", int(size), shifted=False)
    network = small_vgg(1) if name == "small_vgg" else timm.create_model(name, num_classes=1)
    network = network.train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), RATE)
    steps = int(epochs) * math.ceil(len(train) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    with Path("plain_training.log").open("w", encoding="utf-8") as log:
        for _ in range(int(epochs)):
            for pixels, labels in batches(train, BATCH):
                inputs = _normalised(pixels)
                answers = network(inputs)[:, 0]
                loss = functional.binary_cross_entropy_with_logits(answers, labels.float())
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                schedule.step()
                log.write(f"{loss.item()}\n")
    network.eval()
    wrong = 0
    with torch.inference_mode():
        for pixels, labels in batches(test, None):
            wrong += int(((network(_normalised(pixels))[:, 0] > 0) != (labels > 0)).sum())
    print(json.dumps({"seconds": time.perf_counter() - started, "error": wrong / len(test)}))


def _normalised(pixels: Tensor) -> Tensor:
    """Return pixels as legonet's networks take them."""
    return to_tensor(pixels.permute(0, 2, 3, 1).numpy()).contiguous(
        memory_format=torch.channels_last
    )


if __name__ == "__main__":
    main()
