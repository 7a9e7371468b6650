"""Training a specific network: the teacher of one category, or an ancestor of all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.data.pictures import VOID, Pictures
from legonet.data.tensors import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.modules.cut import bottom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from legonet.distill.progress import Progress
    from legonet.spec.declarations import Recipe

WEIGHT_DECAY = 0.02
"""AdamW's."""

WARM_UP = 0.2
"""Share of the steps in which the learning rate rises to its top."""

LOWEST = 0.02
"""The learning rate at the beginning and the end, as a share of its top."""

LARGEST_SHIFT = 1 / 8
"""Of the side of a picture, in either direction."""


def train_specific(
    network: nn.Module,
    recipe: Recipe,
    pictures: Pictures,
    progress: Progress,
    *,
    device: torch.device | str = "cpu",
) -> None:
    """Train a network in place, and leave it in evaluation mode.

    AdamW with a linear warm-up and a cosine decay. Pictures are shifted by up to an eighth of
    their side, reflected at the borders; nothing is mirrored, because a mirror spoils writing and
    was of no use for photographs. For a single category each batch is half category, half
    background. The loss is cross-entropy, binary for a single category, per picture or per pixel
    without void pixels.

    All randomness comes from the recipe's seed, torch's global generators stay as they were, and
    on one CPU with one number of threads the same bits come out every time.

    Args:
        network: Takes ``(N, 3, H, W)`` and returns logits, ``(N, K)`` or ``(N, K, H, W)``.
        recipe: Epochs, rates and seed; everything up to and with the module `recipe.frozen`
            keeps its bits.
        pictures: The training pictures.
        progress: Told about every batch.
        device: Where the network lies during training and afterwards.

    Raises:
        DiagnosticError: There is nothing to tell apart, no such module to freeze, nothing left
            to train, or the loss is no longer finite.
    """
    _check(pictures)
    device = torch.device(device)
    devices = [device] if device.type == "cuda" else []
    fixed = [] if recipe.frozen is None else list(bottom(network, recipe.frozen).modules())
    flags = {parameter: parameter.requires_grad for parameter in network.parameters()}
    with torch.random.fork_rng(devices=devices), torch.enable_grad():
        torch.manual_seed(recipe.seed)
        # Convolutions on the CPU and on tensor cores are faster with the channels innermost.
        network.to(device).to(memory_format=torch.channels_last).train()
        for module in fixed:
            module.eval().requires_grad_(False)
        try:
            _descend(network, recipe, pictures, progress, device)
        finally:
            for parameter, flag in flags.items():
                parameter.requires_grad_(flag)
            network.to(memory_format=torch.contiguous_format).eval()


def _check(pictures: Pictures) -> None:
    if len(np.unique(pictures.labels)) < 2 and pictures.masks is None:
        raise DiagnosticError.of(
            "LEGO530",
            f"expected training pictures with at least two labels, found {len(pictures)} with "
            f"{len(np.unique(pictures.labels))}",
            label="nothing to tell apart",
            help=["a single category needs background pictures in its `data` block"],
        )


def _descend(
    network: nn.Module,
    recipe: Recipe,
    pictures: Pictures,
    progress: Progress,
    device: torch.device,
) -> None:
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not parameters:
        raise DiagnosticError.of(
            "LEGO533",
            f"no parameter is left to train behind `{recipe.frozen}`",
            label="freezes the whole network",
            help=["freeze up to a module nearer to the input"],
        )
    optimiser = torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=WEIGHT_DECAY)
    steps_an_epoch = math.ceil(len(pictures) / recipe.batch_size)
    steps = recipe.epochs * steps_an_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _height(step / steps))
    batches = _batches(pictures.labels, recipe)
    for step in range(steps):
        images, answers = _shifted(pictures.take(next(batches)))
        inputs = to_tensor(images).to(device, memory_format=torch.channels_last)
        loss = _loss(network(inputs), torch.from_numpy(answers).to(device).long(), recipe)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        epoch = step // steps_an_epoch + 1
        value = loss.item()
        if not math.isfinite(value):
            raise _diverged(epoch, recipe)
        progress((step + 1) / steps, f"epoch {epoch}/{recipe.epochs}  loss {value:.2f}")


def _height(done: float) -> float:
    """Return the learning rate's share of its top, when a share of the steps is done."""
    if done < WARM_UP:
        return LOWEST + (1 - LOWEST) * done / WARM_UP
    return LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP))) / 2


def _batches(labels: NDArray[np.int64], recipe: Recipe) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of one batch after the other, without an end."""
    if recipe.category is None or len(np.unique(labels)) < 2:
        return _shuffled(np.arange(len(labels)), recipe.batch_size)
    background, category = np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)
    half = recipe.batch_size // 2
    return (
        np.concatenate(halves)
        for halves in zip(
            _shuffled(background, recipe.batch_size - half),
            _shuffled(category, max(half, 1)),
            strict=True,
        )
    )


def _shuffled(indices: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Yield parts of a given size of an endless shuffling of indices."""
    waiting = indices[:0]
    while True:
        while len(waiting) < size:
            waiting = np.concatenate([waiting, indices[torch.randperm(len(indices)).numpy()]])
        part, waiting = waiting[:size], waiting[size:]
        yield part


def _shifted(
    pictures: Pictures,
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | NDArray[np.uint8]]:
    """Return shifted images with their labels, or with masks that moved alike."""
    count, height, width, _ = pictures.images.shape
    rows, columns = _moved(count, height), _moved(count, width)
    place = (np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :])
    if pictures.masks is None:
        return pictures.images[place], pictures.labels
    return pictures.images[place], pictures.masks[place]


def _moved(count: int, side: int) -> NDArray[np.int64]:
    """Return shifted positions along one side, ``(count, side)``, reflected at the borders."""
    farthest = int(side * LARGEST_SHIFT)
    shifts = torch.randint(-farthest, farthest + 1, (count, 1)).numpy()
    positions: NDArray[np.int64] = np.abs(np.arange(side) + shifts)
    return np.minimum(positions, 2 * (side - 1) - positions)


def _loss(outputs: Tensor, answers: Tensor, recipe: Recipe) -> Tensor:
    """Return the mean loss of logits ``(N, K, ...)`` against answers ``(N, ...)``."""
    if recipe.category is None:
        # Void is a value of masks alone: among labels of whole pictures 255 is one like any other.
        ignored = VOID if answers.ndim > 1 else -1
        return functional.cross_entropy(outputs, answers, ignore_index=ignored)
    logits = outputs.squeeze(1)
    known = answers != VOID
    return functional.binary_cross_entropy_with_logits(logits[known], answers[known].float())


def _diverged(epoch: int, recipe: Recipe) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO531",
        f"the loss is no longer finite in epoch {epoch} of {recipe.epochs}",
        label="training failed",
        help=[f"a smaller `learning_rate` than {recipe.learning_rate:g} may mend it"],
    )
