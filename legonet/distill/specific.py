"""Training a specific network: the teacher of one category, or an ancestor of all."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.data.pictures import VOID, Pictures
from legonet.data.tensors import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.distill.checkpoint import NoCheckpoint, Resumable
from legonet.distill.operations import AFFINE, POOLS, RELUS
from legonet.distill.progress import Point, Thinned, unwatched
from legonet.distill.views import shifted
from legonet.modules.cut import bottom
from legonet.modules.seeding import RandomStream

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legonet.distill.checkpoint import Checkpoint, State
    from legonet.distill.progress import Progress, Watch
    from legonet.spec.declarations import Recipe

WEIGHT_DECAY = 0.02
"""AdamW's."""

WARM_UP = 0.2
"""Share of the steps in which the learning rate rises to its top."""

LOWEST = 0.02
"""The learning rate at the beginning and the end, as a share of its top."""

DRAWING_NOTHING = {nn.Sequential, nn.Identity, *RELUS, nn.ReLU6, *POOLS, *AFFINE}
"""Layers that surely draw no random numbers while they are trained."""


def train_specific(
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

    AdamW with a linear warm-up and a cosine decay. Pictures are shifted by up to an eighth of
    their side, reflected at the borders; nothing is mirrored, because a mirror spoils writing and
    was of no use for photographs. For a single category each batch is half category, half
    background. The loss is cross-entropy, binary for a single category, per picture or per pixel
    without void pixels.

    All randomness comes from the recipe's seed, torch's global generators stay as they were, and
    on one CPU with one number of threads the same bits come out every time. Several networks may
    be trained in threads at once; those that draw random numbers, as dropout does, take turns at
    passing through.

    Args:
        network: Takes ``(N, 3, H, W)`` and returns logits, ``(N, K)`` or ``(N, K, H, W)``.
        recipe: Epochs, rates and seed; everything up to and with the module `recipe.frozen`
            keeps its bits.
        pictures: The training pictures.
        progress: Told about every batch.
        device: Where the network lies during training and afterwards.
        watch: Told of every point of the loss curve.
        checkpoint: Where training goes on if it was interrupted, with the same bits; nothing is
            kept unless given.

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
            losses = _Descent(network, recipe, pictures, device).run(training, progress, watch)
        finally:
            for parameter, flag in flags.items():
                parameter.requires_grad_(flag)
            network.to(memory_format=torch.contiguous_format).eval()
    return {"loss_curve": losses.rows}


def _check(pictures: Pictures) -> None:
    if len(np.unique(pictures.labels)) < 2 and pictures.masks is None:
        raise DiagnosticError.of(
            "LEGO530",
            f"expected training pictures with at least two labels, found {len(pictures)} with "
            f"{len(np.unique(pictures.labels))}",
            label="nothing to tell apart",
            help=["a single category needs background pictures in its `data` block"],
        )


class _Descent:
    """The training of one network, as far as it has come."""

    def __init__(
        self, network: nn.Module, recipe: Recipe, pictures: Pictures, device: torch.device
    ) -> None:
        self._network = network
        self._recipe = recipe
        self._pictures = pictures
        self._device = device
        self._parameters = _trainable(network, recipe)
        rate = recipe.learning_rate
        self._optimiser = torch.optim.AdamW(self._parameters, rate, weight_decay=WEIGHT_DECAY)
        self._random = RandomStream(recipe.seed, device)
        self._draws = any(type(layer) not in DRAWING_NOTHING for layer in network.modules())
        self._batches = _Batches(pictures.labels, recipe, self._random.cpu)
        self._losses = Thinned()
        self._step = 0
        self._an_epoch = math.ceil(len(pictures) / recipe.batch_size)
        self._steps = recipe.epochs * self._an_epoch

    def run(self, training: Resumable, progress: Progress, watch: Watch) -> Thinned:
        """Take all steps that are left, and return the loss curve."""
        saved = training.resume()
        if saved:
            self._resume(saved)
        while self._step < self._steps:
            loss = self._take_step()
            point = Point("1/1", self._step, self._steps, {"task": loss})
            self._losses.add(point)
            watch(point)
            words = f"epoch {self._epoch}/{self._recipe.epochs}  loss {loss:.2f}"
            progress(self._step / self._steps, words)
            if training.due():
                training.save(self._state())
        return self._losses

    @property
    def _epoch(self) -> int:
        """Number of the epoch in which the last step was."""
        return (self._step - 1) // self._an_epoch + 1

    def _take_step(self) -> float:
        seen = shifted(self._pictures.take(self._batches.next()), self._random.cpu)
        answers = seen.labels if seen.masks is None else seen.masks
        inputs = to_tensor(seen.images).to(self._device, memory_format=torch.channels_last)
        expected = torch.from_numpy(answers).to(self._device).long()
        self._optimiser.zero_grad()
        # A network that saves memory may draw once more on its way back.
        with self._random.followed() if self._draws else nullcontext():
            loss = _loss(self._network(inputs), expected, self._recipe)
            loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self._parameters if p.grad is not None]
        value, norm = torch.stack([loss, torch.nn.utils.get_total_norm(gradients)]).tolist()
        height = _height(self._step / self._steps)
        self._step += 1
        if not math.isfinite(value) or not math.isfinite(norm):
            raise self._diverged(value, norm)
        for group in self._optimiser.param_groups:
            group["lr"] = self._recipe.learning_rate * height
        self._optimiser.step()
        return float(value)

    def _state(self) -> State:
        return {
            "step": self._step,
            "network": self._network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "random": self._random.state(),
            "batches": self._batches.state(),
            "losses": self._losses.state(),
        }

    def _resume(self, state: State) -> None:
        self._step = state["step"]
        self._network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._random.resume(state["random"])
        self._batches.resume(state["batches"])
        self._losses = Thinned.of(state["losses"])

    def _diverged(self, loss: float, norm: float) -> DiagnosticError:
        what = f"the norm of the gradient is {norm}"
        if not math.isfinite(loss):
            what = f"the loss is {loss}"
        place = f"in step {self._step} of {self._steps}"
        causes = [f"a smaller `learning_rate` than {self._recipe.learning_rate:g} may mend it"]
        if self._step == 1:
            causes.append("nothing was learned yet: `init` or `weights` may be broken, too")
        return DiagnosticError.of(
            "LEGO531",
            f"{what}, no finite number, {place}, epoch {self._epoch} of {self._recipe.epochs}",
            label="training failed",
            help=causes,
        )


def _trainable(network: nn.Module, recipe: Recipe) -> list[nn.Parameter]:
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not parameters:
        raise DiagnosticError.of(
            "LEGO533",
            f"no parameter is left to train behind `{recipe.frozen}`",
            label="freezes the whole network",
            help=["freeze up to a module nearer to the input"],
        )
    return parameters


def _height(done: float) -> float:
    """Return the learning rate's share of its top, when a share of the steps is done."""
    if done < WARM_UP:
        return LOWEST + (1 - LOWEST) * done / WARM_UP
    return LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2


class _Batches:
    """The indices of one batch after the other, without an end."""

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
        """Return what is left of the shufflings."""
        return [torch.from_numpy(part.waiting) for part in self._parts]

    def resume(self, state: list[Tensor]) -> None:
        """Go on with what was left."""
        for part, waiting in zip(self._parts, state, strict=True):
            part.waiting = waiting.numpy()


class _Shuffled:
    """Parts of a given size of an endless shuffling of indices."""

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


def _loss(outputs: Tensor, answers: Tensor, recipe: Recipe) -> Tensor:
    """Return the mean loss of logits ``(N, K, ...)`` against answers ``(N, ...)``."""
    if recipe.category is None:
        # Void is a value of masks alone: among labels of whole pictures 255 is one like any other.
        ignored = VOID if answers.ndim > 1 else -1
        return functional.cross_entropy(outputs, answers, ignore_index=ignored)
    logits = outputs.squeeze(1)
    known = answers != VOID
    return functional.binary_cross_entropy_with_logits(logits[known], answers[known].float())
