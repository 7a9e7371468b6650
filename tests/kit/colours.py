"""Pictures of one colour each, and specs of networks that name the colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from legonet.modules.small import small_vgg

COLOURS = ("red", "green", "blue")
SIZE = 16


def write_colours(folder: Path, *, train: int = 4, test: int = 12) -> None:
    """Write pictures of three colours into ``train`` and ``test``.

    Args:
        folder: Where they go.
        train: How many of each colour to learn from.
        test: How many of each colour to measure on.
    """
    random = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for channel, name in enumerate(COLOURS):
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 90, (SIZE, SIZE, 3), dtype=np.uint8)
                pixels[..., channel] += random.integers(120, 160, dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")


def namer(order: tuple[int, ...]) -> dict[str, Tensor]:
    """Return the weights of a network with one output for each of these channels, in this order."""
    network = small_vgg(len(order), 3)
    state = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    channels = torch.arange(3)
    for layer in (0, 2, 5, 7, 10, 12):
        state[f"features.{layer}.weight"][channels, channels, 1, 1] = 1.0
    state["features.0.bias"][:] = 3.0
    hidden = state["classifier.0.weight"]
    for channel in range(3):
        hidden[channel, 4 * channel : 4 * channel + 4] = 0.25  # of a map of 2x2
        for output, wanted in enumerate(order):
            state["classifier.3.weight"][output, channel] = 5.0 if channel == wanted else 0.0
    return state


def write_namers(folder: Path, **orders: tuple[int, ...]) -> None:
    """Write networks that name colours, each with its own order of outputs."""
    for name, order in orders.items():
        save_file(namer(order), folder / f"{name}.safetensors")


def loaded(order: tuple[int, ...]) -> nn.Module:
    """Return such a network."""
    network = small_vgg(len(order), 3)
    network.load_state_dict(namer(order))
    return network.eval()
