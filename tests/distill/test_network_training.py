from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from memory_checkpoint import Killed, MemoryCheckpoint, killed_after
from sklearn.datasets import load_digits
from torch import nn

from legonet.data.pictures import Pictures
from legonet.diagnostics import DiagnosticError
from legonet.distill.measure import measure
from legonet.distill.training import network_training
from legonet.distill.training.network_training import train_network
from legonet.goals import VOID
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation
from legonet.language.declarations import Recipe
from legonet.modules.digest import state_digest


def recipe(**fields: Any) -> Recipe:
    return Recipe(data="digits", **{"epochs": 1, "batch_size": 16, **fields})


def digits(count: int, category: int | None = None) -> Pictures:
    """Digits of 8x8 on grey ground: all ten, or one of them against the others."""
    loaded = load_digits()
    images = np.repeat((loaded.images[:count, :, :, None] * 15).astype(np.uint8), 3, axis=3)
    labels = loaded.target[:count].astype(np.int64)
    return Pictures(images, labels if category is None else (labels == category).astype(np.int64))


def squares(count: int, seed: int) -> Pictures:
    """Bright squares on noise, with their masks and a void border; half without a square."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 100, (count, 16, 16, 3), dtype=np.uint8)
    masks = np.zeros((count, 16, 16), dtype=np.uint8)
    labels = np.arange(count) % 2
    for number in np.flatnonzero(labels):
        y, x = random.integers(1, 7, 2)
        masks[number, y - 1 : y + 9, x - 1 : x + 9] = VOID
        masks[number, y : y + 8, x : x + 8] = 1
        images[number, y : y + 8, x : x + 8] += 150
    return Pictures(images, labels, masks)


def silent(done: float, words: str) -> None:
    pass


def seeded(make: Any, *arguments: Any) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network: nn.Module = make(*arguments)
        return network


def tiny(outputs: int) -> nn.Module:
    """A network that learns digits of 8x8 in a second."""
    features = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Dropout(0.1), nn.MaxPool2d(2))
    return nn.Sequential(features, nn.Flatten(), nn.Linear(144, outputs))


def test_a_category_is_learned() -> None:
    network = seeded(tiny, 1)
    train = digits(500, category=3)
    train_network(network, recipe(category="3", epochs=8, learning_rate=1e-2), train, silent)
    held_out = digits(1200, category=3).take(np.arange(500, 1200))
    assert measure(network, held_out, Classification())["error_rate"] < 0.15
    assert not network.training


def test_a_category_is_learned_in_mixed_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_training, "MIXED_PRECISION", ("cpu",))
    network = seeded(tiny, 1)
    computed = set()
    network[2].register_forward_hook(lambda *seen: computed.add(seen[2].dtype))
    train = digits(500, category=3)
    train_network(network, recipe(category="3", epochs=8, learning_rate=1e-2), train, silent)
    assert computed == {torch.bfloat16}
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    held_out = digits(1200, category=3).take(np.arange(500, 1200))
    assert measure(network, held_out, Classification())["error_rate"] < 0.15


def test_several_labels_are_learned() -> None:
    network = seeded(tiny, 10)
    train_network(network, recipe(epochs=8, learning_rate=1e-2), digits(600), silent)
    held_out = digits(1200).take(np.arange(600, 1200))
    assert measure(network, held_out, Classification())["error_rate"] < 0.2


def test_masks_are_learned() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    chosen = recipe(category="square", goal="segmentation", epochs=6, learning_rate=3e-2)
    train_network(network, chosen, squares(96, seed=0), silent)
    found = measure(network, squares(40, seed=1), Segmentation())
    assert found["iou"] > 0.8


def test_void_pixels_teach_nothing() -> None:
    train = squares(32, seed=0)
    assert train.masks is not None
    digests = []
    for scribble in (0, 1):
        images = train.images.copy()
        network = nn.Sequential(nn.Conv2d(3, 1, 1))
        with torch.no_grad():
            network[0].weight.fill_(0.1)
            network[0].bias.fill_(0.0)
        images[train.masks == VOID] = scribble * 200
        chosen = recipe(category="square", goal="segmentation")
        train_network(network, chosen, Pictures(images, train.labels, train.masks), silent)
        digests.append(state_digest(network))
    assert digests[0] == digests[1]


@pytest.mark.parametrize("category", [None, "3"])
def test_the_same_seed_gives_the_same_bits_and_touches_no_other_numbers(
    category: str | None,
) -> None:
    train = digits(100, category=None if category is None else 3)
    before = torch.random.get_rng_state()
    digests = []
    for seed in (0, 0, 1):
        network = seeded(tiny, 10 if category is None else 1)
        torch.rand(len(digests))
        torch.random.set_rng_state(before)
        train_network(network, recipe(category=category, seed=seed), train, silent)
        digests.append(state_digest(network))
        assert torch.equal(torch.random.get_rng_state(), before)
    assert digests[0] == digests[1] != digests[2]


def test_frozen_modules_keep_their_bits_and_their_flags() -> None:
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Conv2d(4, 4, 3),
        nn.Flatten(),
        nn.Linear(64, 10),
    )
    frozen, free = state_digest(network[0]), state_digest(network[1])
    train_network(network, recipe(frozen="0"), digits(64), silent)
    assert state_digest(network[0]) == frozen
    assert state_digest(network[1]) != free
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_half_of_each_batch_is_the_category() -> None:
    labels = np.zeros(200, dtype=np.int64)
    labels[:7] = 1
    random = torch.Generator().manual_seed(0)
    batches = network_training._Batches(labels, recipe(category="3", batch_size=20), random)
    drawn = [batches.next() for _ in range(18)]
    assert all(labels[batch].sum() == 10 for batch in drawn)
    # Nothing comes again before all have come: 180 of the 193 background pictures, once each.
    background = np.concatenate([batch[labels[batch] == 0] for batch in drawn])
    assert len(set(background)) == len(background) == 180


def test_without_a_category_an_epoch_shows_every_picture_once() -> None:
    random = torch.Generator().manual_seed(0)
    batches = network_training._Batches(np.arange(30) % 3, recipe(batch_size=10), random)
    epoch = np.concatenate([batches.next() for _ in range(3)])
    assert sorted(epoch) == list(range(30))


def test_progress_goes_from_the_first_batch_to_the_end() -> None:
    told: list[tuple[float, str]] = []
    train_network(
        seeded(tiny, 10),
        recipe(epochs=2),
        digits(40),
        lambda done, words: told.append((done, words)),
    )
    fractions = [done for done, _ in told]
    assert fractions == sorted(fractions)
    assert len(told) == 6
    assert fractions[-1] == 1.0
    assert told[-1][1].startswith("epoch 2/2  loss ")


def test_one_label_alone_teaches_nothing() -> None:
    train = digits(50, category=3)
    only = train.take(np.flatnonzero(train.labels == 1))
    with pytest.raises(DiagnosticError) as raised:
        train_network(seeded(tiny, 1), recipe(category="3"), only, silent)
    assert raised.value.diagnostics[0].code == "LEGO530"


def test_a_diverging_run_says_so_and_gives_the_flags_back() -> None:
    network = seeded(tiny, 10)
    with pytest.raises(DiagnosticError) as raised:
        train_network(network, recipe(learning_rate=1e30, frozen="0"), digits(64), silent)
    assert raised.value.diagnostics[0].code == "LEGO531"
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_wholly_frozen_network_cannot_be_trained() -> None:
    with pytest.raises(DiagnosticError) as raised:
        train_network(seeded(tiny, 10), recipe(frozen="2"), digits(64), silent)
    assert raised.value.diagnostics[0].code == "LEGO533"


def test_label_255_of_a_picture_is_no_void() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 256))
    few = digits(32)
    labels = np.where(few.labels % 2, 255, 0)
    chosen = recipe(epochs=20, learning_rate=1e-2)
    train_network(network, chosen, Pictures(few.images, labels), silent)
    found = measure(network, Pictures(few.images, labels), Classification())
    assert found["error_rate"] < 0.3


@pytest.mark.parametrize("category", [None, "3"])
@pytest.mark.parametrize("steps", [(0,), (1, 1), (3, 5), (11, 0, 2)])
def test_a_killed_training_goes_on_and_ends_with_the_same_bits(
    category: str | None, steps: tuple[int, ...]
) -> None:
    train = digits(90, category=None if category is None else 3)
    chosen = recipe(category=category, epochs=3)
    whole = seeded(tiny, 10 if category is None else 1)
    notes = train_network(whole, chosen, train, silent)
    checkpoint = MemoryCheckpoint()
    taken: list[object] = []
    for count in steps:
        network = seeded(tiny, 10 if category is None else 1)
        watch = killed_after(count)
        with pytest.raises(Killed):
            train_network(network, chosen, train, silent, watch=watch, checkpoint=checkpoint)
    network = seeded(tiny, 10 if category is None else 1)
    found = train_network(network, chosen, train, silent, watch=taken.append, checkpoint=checkpoint)
    assert state_digest(network) == state_digest(whole)
    assert found == notes
    assert len(taken) == 18 - sum(steps)


def test_the_loss_curve_is_in_the_notes() -> None:
    notes = train_network(seeded(tiny, 10), recipe(epochs=2), digits(80), silent)
    assert [row["step"] for row in notes["loss_curve"]] == list(range(1, 11))
    assert all(row["task"] > 0 for row in notes["loss_curve"])


def test_a_gradient_that_is_no_number_stops_the_training() -> None:
    class Rooted(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values + (values * 0).sum().sqrt()

    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 10), Rooted())
    with pytest.raises(DiagnosticError) as raised:
        train_network(network, recipe(), digits(64), silent)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.code == "LEGO531"
    assert "gradient" in diagnostic.message
    assert "step 1 of 4" in diagnostic.message
