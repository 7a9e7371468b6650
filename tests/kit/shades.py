"""Light and dark pictures, and networks whose way of telling them apart is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from legonet.modules.small import small_vgg

CHANNELS = 2
SIZE = 16

SPEC = """
data shades {
  source: folder("shades")
  size: 16
}
network knows {
  model: legonet.small_vgg(classes: 1, channels: 2)
  weights: "knows.safetensors"
}
network gives {
  model: legonet.small_vgg(classes: 1, channels: 2)
  weights: "gives.safetensors"
}
category light { from: knows, until: "features.4" }
task classify { from: gives, after: "features.4" }
adapter light -> classify {
  data: shades
  method: stitching()
}
"""


def write_pictures(folder: Path, *, train: int = 4, test: int = 20, alike: bool = False) -> None:
    """Write light pictures, and as many dark ones for a background.

    Args:
        folder: Where they go.
        train: How many of each kind to learn from.
        test: How many of each kind to measure on.
        alike: Whether all light pictures are the same one.
    """
    random = np.random.default_rng(0)
    for split, count in (("train", train), ("test", test)):
        for kind, lightest in (("light", 255), ("background", 100)):
            place = folder / split / kind
            place.mkdir(parents=True)
            for number in range(count):
                draw = np.random.default_rng(1) if alike and kind == "light" else random
                pixels = draw.integers(lightest - 100, lightest, (SIZE, SIZE, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")


def weights(*, gain: float = 5.0, shift: float = 0.0, features: float = 1.0) -> dict[str, Tensor]:
    """Return the weights of a network whose logit grows with how light a picture is.

    It is above 0 for the light pictures and below for the dark ones.

    Args:
        gain: How fast it grows; with 0 it is 0 for every picture.
        shift: Added to the logit.
        features: The factor of the lowest weights; with 0 the features of all pictures are equal.
    """
    network = small_vgg(1, CHANNELS)
    state = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    # How light it is, above 0 for a ReLU, and how red.
    state["features.0.weight"][0, :, 1, 1] = features / 3
    state["features.0.weight"][1, 0, 1, 1] = features
    state["features.0.bias"][:] = 3.0
    state["features.2.weight"][0, 0, 1, 1] = state["features.2.weight"][1, 1, 1, 1] = 1.0
    for layer in (5, 7, 10, 12):
        state[f"features.{layer}.weight"][0, 0, 1, 1] = 1.0
    state["classifier.0.weight"][0, :4] = 0.25
    state["classifier.3.weight"][0, 0] = gain
    state["classifier.3.bias"][0] = shift - 3.2 * gain
    return state


def write_shades(
    folder: Path, knows: dict[str, Tensor], gives: dict[str, Tensor], text: str = SPEC
) -> Path:
    """Write a spec of an edge between two networks, and their weights, and return its file."""
    for name, state in (("knows", knows), ("gives", gives)):
        save_file(state, folder / f"{name}.safetensors")
    spec = folder / "shades.lego"
    spec.write_text(text, encoding="utf-8")
    return spec
