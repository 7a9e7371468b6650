"""The networks and pictures of a study: CIFAR-10, ancestors, and a specific network per animal."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from legonet.data import Pictures
from legonet.data.sources.cifar10_jpeg import CATEGORIES, Cifar10JpegSource
from legonet.distill.measure import measure
from legonet.distill.training.network_training import train_network
from legonet.goals.classification import Classification
from legonet.language.declarations import Recipe
from legonet.modules.freeze import freeze
from legonet.modules.small import small_vgg
from legonet.modules.weights import inherit

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SEEDS = 3
"""Families of each width."""

DONOR = "dog"
"""The animal whose network donates the task module."""

TARGETS = ("cat", "deer", "horse", "frog")
"""The animals that are transplanted, each with a teacher of its own."""

BACKGROUND = ("airplane", "automobile", "ship", "truck")
"""What every animal is told from."""

WIDE = 48
"""Channels at the cut of the wider ancestors; the others have 32."""

EPOCHS = {"ancestor": 3, "specific": 1}
"""Passes over the training pictures."""

RATES = {"ancestor": 3e-3, "specific": 1e-3}
"""Learning rates at the top of the schedule."""

CUT = "features.4"
"""Where all networks are cut."""


@dataclass(frozen=True)
class Family:
    """An ancestor on all ten labels, and the specific networks that begin with it.

    Args:
        channels: Channels at the cut.
        seed: Of the ancestor and of its heirs.
    """

    channels: int
    seed: int

    def name(self, animal: str | None) -> str:
        """Return the name of an heir, or of the ancestor itself."""
        return f"{animal or 'ancestor'}-{self.channels}-{self.seed}"


@dataclass(frozen=True)
class Zoo:
    """Pictures and networks, made when first needed and kept in a folder.

    Args:
        pictures: The ``.npz`` file of CIFAR-10's pictures.
        cache: The folder for decoded pictures and trained networks.
    """

    pictures: Path
    cache: Path

    def question(self, animal: str, split: str) -> Pictures:
        """Return the pictures of an animal (label 1) and of vehicles (label 0)."""
        images, labels = self._decoded[split]
        asked = np.isin(labels, [CATEGORIES.index(name) for name in (animal, *BACKGROUND)])
        return Pictures(images[asked], (labels[asked] == CATEGORIES.index(animal)).astype(np.int64))

    def network(self, family: Family, animal: str | None) -> nn.Module:
        """Return a trained network, frozen; an ancestor where no animal is named."""
        file = self.cache / f"{family.name(animal)}.safetensors"
        network = small_vgg(10 if animal is None else 1, family.channels)
        if not file.exists():
            self._train(family, animal)
        network.load_state_dict(load_file(file))
        return freeze(network)

    def error(self, family: Family, animal: str | None) -> float:
        """Return a network's error rate on all test pictures."""
        self.network(family, animal)
        known = json.loads((self.cache / f"{family.name(animal)}.json").read_text("utf-8"))
        return float(known["error"])

    def _train(self, family: Family, animal: str | None) -> None:
        started = time.perf_counter()
        kind = "ancestor" if animal is None else "specific"
        torch.manual_seed(family.seed + 100 * family.channels)
        network = small_vgg(10 if animal is None else 1, family.channels)
        if animal is not None:
            inherit(network, self.network(family, None).state_dict())
        recipe = Recipe(
            data="cifar",
            category=animal,
            epochs=EPOCHS[kind],
            # Families of different widths are to see their pictures in different orders.
            seed=family.seed + 100 * family.channels,
            learning_rate=RATES[kind],
            batch_size=128,
        )
        images, labels = self._decoded["train"]
        seen = Pictures(images, labels) if animal is None else self.question(animal, "train")
        train_network(_Halved(network), recipe, seen, silent)
        images, labels = self._decoded["test"]
        test = Pictures(images, labels) if animal is None else self.question(animal, "test")
        error = measure(freeze(network), test, Classification())["error_rate"]
        seconds = time.perf_counter() - started
        name = family.name(animal)
        write(self.cache / f"{name}.json", json.dumps({"error": error, "seconds": seconds}))
        file = self.cache / f"{name}.safetensors"
        save_file(network.state_dict(), file.with_suffix(f".{os.getpid()}"))
        file.with_suffix(f".{os.getpid()}").replace(file)
        print(f"{name}: error {100 * error:.2f} %, {seconds:.0f} s", flush=True)

    @cached_property
    def _decoded(self) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.int64]]]:
        file = self.cache / "pictures.npz"
        if not file.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            source = Cifar10JpegSource(self.pictures)
            arrays = {}
            for split in ("train", "test"):
                examples = source.examples(split)
                arrays[split] = source.read(split, examples, 32)[0]
                labels = [CATEGORIES.index(example.shows[0]) for example in examples]
                arrays[f"{split}_labels"] = np.array(labels, np.int64)
            with (part := file.with_suffix(f".{os.getpid()}")).open("wb") as stream:
                np.savez(stream, **arrays)
            part.replace(file)
        with np.load(file) as archive:
            return {split: (archive[split], archive[f"{split}_labels"]) for split in SPLITS}


SPLITS = ("train", "test")


class _Halved(nn.Module):
    """A network that trains in bfloat16, twice as fast; its weights stay in float32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            outputs: Tensor = self.network(pictures)
        return outputs.float()


def silent(done: float, words: str) -> None:
    """A progress that nobody looks at."""


def write(file: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    part = file.with_suffix(f".{os.getpid()}")
    part.write_text(text, "utf-8")
    part.replace(file)
