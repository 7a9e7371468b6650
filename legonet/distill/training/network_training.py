"""Training a specific network: the teacher of one category or an ancestor of all."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from legonet.data.pictures import Pictures
from legonet.data.tensors import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.distill.augmentation import shifted
from legonet.distill.checkpoint import NoCheckpoint, Resumable
from legonet.distill.layer_rules import rule_of
from legonet.distill.progress import unwatched
from legonet.distill.training.descent import GRADIENT, Descent, backward, descend
from legonet.goals import goal_named
from legonet.modules.cut import bottom
from legonet.modules.loading import load_tensors
from legonet.modules.seeding import RandomStream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.distill.checkpoint import Checkpoint, State
    from legonet.distill.progress import Point, Progress, Watch
    from legonet.language.declarations import Recipe

WEIGHT_DECAY = 0.02
"""Weight decay of AdamW."""

WARM_UP = 0.2
"""Share of the steps in which the learning rate rises to its maximum."""

MIXED_PRECISION = ("cuda",)
"""Torch's types of device on which networks compute in bfloat16; weights and losses are float32."""

LOWEST = 0.02
"""The learning rate at the beginning and at the end, as a share of its maximum."""


def train_network(
    network: nn.Module,
    recipe: Recipe,
    pictures: Pictures,
    progress: Progress,
    *,
    device: torch.device | str = "cpu",
    watch: Watch = unwatched,
    checkpoint: Checkpoint | None = None,
) -> dict[str, Any]:
    """Train a network in place, leave it in evaluation mode, and return notes for a certificate.

    AdamW with a linear warm-up and a cosine decay; on GPUs in mixed precision. Pictures are
    shifted by up to an eighth of their side, reflected at the borders; nothing is mirrored, because
    mirroring spoils writing and did not help with photographs. For a single category, each batch is
    half category, half background. The loss is that of the recipe's goal.

    All randomness comes from the recipe's seed, torch's global generators stay as they were, and
    on one CPU with a fixed number of threads the result is the same bits every time. Several
    networks may be trained in threads at once; those that draw random numbers, as dropout does,
    take turns running forward and back.

    Args:
        network: Takes ``(N, 3, H, W)`` and returns logits, ``(N, K)`` or ``(N, K, H, W)``.
        recipe: Epochs, rates and seed; everything up to and including the module
            `recipe.frozen` keeps its bits.
        pictures: The training pictures.
        progress: Called for every batch.
        device: Where the network is during training and afterwards.
        watch: Called with every point of the loss curve.
        checkpoint: From where training resumes if it was interrupted, with the same bits;
            default: nothing is kept.

    Raises:
        DiagnosticError: There is nothing to tell apart, no such module to freeze, nothing left
            to train, or the loss or a gradient is no longer finite.
    """
    _check(pictures)
    device = torch.device(device)
    fixed = [] if recipe.frozen is None else list(bottom(network, recipe.frozen).modules())
    training = Resumable(checkpoint or NoCheckpoint(), network, recipe, device)
    flags = {parameter: parameter.requires_grad for parameter in network.parameters()}
    with torch.enable_grad():
        # Convolutions on the CPU and on tensor cores are faster with the channels innermost.
        network.to(device).to(memory_format=torch.channels_last).train()
        for module in fixed:
            module.eval().requires_grad_(False)
        try:
            descent = _NetworkDescent(network, recipe, pictures, device)
            saved = training.resume()
            if saved:
                descent.resume(saved)
            descend(descent, training, descent.state, progress, watch)
        finally:
            for parameter, flag in flags.items():
                parameter.requires_grad_(flag)
            network.to(memory_format=torch.contiguous_format).eval()
    return {"loss_curve": descent.losses.rows}


def _check(pictures: Pictures) -> None:
    by_label = pictures.masks is None and pictures.values is None
    if by_label and len(np.unique(pictures.labels)) < 2:
        raise DiagnosticError.of(
            "LEGO530",
            f"expected training pictures with at least two labels, found {len(pictures)} with "
            f"{len(np.unique(pictures.labels))}",
            label="nothing to tell apart",
            help=["a single category needs background pictures in its `data` block"],
        )


class _NetworkDescent(Descent):
    """The training of one network."""

    def __init__(
        self, network: nn.Module, recipe: Recipe, pictures: Pictures, device: torch.device
    ) -> None:
        self._an_epoch = math.ceil(len(pictures) / recipe.batch_size)
        parameters, rate = _trainable(network, recipe), recipe.learning_rate
        optimiser = torch.optim.AdamW(parameters, rate, weight_decay=WEIGHT_DECAY)
        super().__init__(optimiser, recipe.epochs * self._an_epoch, "1/1")
        self._network = network
        self._recipe = recipe
        self._goal = goal_named(recipe.goal)
        self._pictures = pictures
        self._device = device
        self._mixed = device.type in MIXED_PRECISION
        self._random = RandomStream(recipe.seed, device)
        self._draws = any(map(_may_draw, network.modules()))
        self._batches = _Batches(pictures.labels, recipe, self._random.cpu)

    @property
    def _epoch(self) -> int:
        """Number of the epoch of the last step."""
        return (self.step - 1) // self._an_epoch + 1

    def differentiate(self) -> dict[str, Tensor]:
        """Return the loss of the next batch of shifted pictures, after computing its gradient."""
        seen = shifted(self._pictures.take(self._batches.next()), self._random.cpu, self._goal)
        answers = self._goal.truth(seen.labels, seen.masks, seen.values)
        if answers is None:
            raise TypeError("training pictures have the answers of their goal")
        inputs = to_tensor(seen.images).to(self._device, memory_format=torch.channels_last)
        expected = torch.from_numpy(answers).to(self._device)
        expected = expected if expected.is_floating_point() else expected.long()
        # A network that recomputes to save memory may draw again on the way back.
        with self._random.followed() if self._draws else nullcontext():
            with self._precision():
                outputs = self._network(inputs)
            wide = outputs.float() if self._mixed else outputs
            return backward({"task": self._goal.loss(wide, expected)})

    def _precision(self) -> AbstractContextManager[object]:
        kind = self._device.type
        return torch.autocast(kind, torch.bfloat16) if self._mixed else nullcontext()

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        return self._recipe.learning_rate * _height(self.step / self.steps)

    def words(self, point: Point) -> str:
        """Return the number of the epoch and the loss."""
        return f"epoch {self._epoch}/{self._recipe.epochs}  loss {point.loss:.2f}"

    def state(self) -> State:
        """Return all that `resume` needs."""
        return {
            **super().state(),
            "network": self._network.state_dict(),
            "random": self._random.state(),
            "batches": self._batches.state(),
        }

    def resume(self, state: State) -> None:
        """Continue from a state."""
        super().resume(state)
        load_tensors(self._network, state["network"])
        self._random.resume(state["random"])
        self._batches.resume(state["batches"])

    def diverged(self, what: str, value: float, point: Point) -> DiagnosticError:
        """Return what to tell instead of continuing with meaningless numbers."""
        place = f"in step {point.step} of {point.steps}"
        causes = [f"a smaller `learning_rate` than {self._recipe.learning_rate:g} may help"]
        if point.step == 1:
            causes.append("nothing has been learned yet: `init` or `weights` may also be broken")
        return DiagnosticError.of(
            "LEGO531",
            f"the {what if what == GRADIENT else 'loss'} is {value}, not a finite number, {place}, "
            f"epoch {self._epoch} of {self._recipe.epochs}",
            label="training failed",
            help=causes,
        )


def _trainable(network: nn.Module, recipe: Recipe) -> list[nn.Parameter]:
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not parameters:
        raise DiagnosticError.of(
            "LEGO533",
            f"no parameter is left to train after `{recipe.frozen}`",
            label="freezes the whole network",
            help=["freeze up to a module nearer to the input"],
        )
    return parameters


def _may_draw(layer: nn.Module) -> bool:
    """Return whether a layer may draw random numbers during training."""
    return type(layer) is not nn.Sequential and rule_of(layer).draws


def _height(done: float) -> float:
    """Return the learning rate as a share of its maximum, after a share of the steps is done."""
    if done < WARM_UP:
        return LOWEST + (1 - LOWEST) * done / WARM_UP
    return LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2


class _Batches:
    """The indices of one batch after another, without end."""

    def __init__(
        self, labels: NDArray[np.int64], recipe: Recipe, generator: torch.Generator
    ) -> None:
        if recipe.category is None or len(np.unique(labels)) < 2:
            self._parts = [_Shuffled(np.arange(len(labels)), recipe.batch_size, generator)]
            return
        background, category = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
        half = recipe.batch_size // 2
        self._parts = [
            _Shuffled(background, recipe.batch_size - half, generator),
            _Shuffled(category, max(half, 1), generator),
        ]

    def next(self) -> NDArray[np.int64]:
        """Return the next batch."""
        return np.concatenate([part.next() for part in self._parts])

    def state(self) -> list[Tensor]:
        """Return what is left of the current shuffles."""
        return [torch.from_numpy(part.waiting) for part in self._parts]

    def resume(self, state: list[Tensor]) -> None:
        """Continue with what was left."""
        for part, waiting in zip(self._parts, state, strict=True):
            part.waiting = waiting.numpy()


class _Shuffled:
    """Parts of a given size from endlessly reshuffled indices."""

    def __init__(self, indices: NDArray[np.int64], size: int, generator: torch.Generator) -> None:
        self._indices = indices
        self._size = size
        self._generator = generator
        self.waiting = indices[:0]

    def next(self) -> NDArray[np.int64]:
        """Return the next part."""
        while len(self.waiting) < self._size:
            order = torch.randperm(len(self._indices), generator=self._generator)
            shuffled = self._indices[order.numpy()]
            self.waiting = np.concatenate([self.waiting, shuffled])
        part, self.waiting = self.waiting[: self._size], self.waiting[self._size :]
        return part
