"""Torch's global generators, followed by many threads at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from legonet.modules.seeding import RandomStream, seeded


def numbers(seed: int) -> list[float]:
    return torch.rand(400, generator=torch.Generator().manual_seed(seed)).tolist()


def test_it_draws_the_numbers_of_the_seed_and_leaves_the_generator_as_it_was() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with seeded(7):
        assert torch.rand(400).tolist() == numbers(7)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_error_leaves_the_generator_as_it_was_and_others_may_go_on() -> None:
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded(7):
        raise KeyError(torch.rand(1))
    assert torch.equal(torch.get_rng_state(), before)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(followed_in_turns, 7, Barrier(1)).result(10) == numbers(7)


def test_within_a_seed_another_may_begin() -> None:
    with seeded(1):
        first = torch.rand(200).tolist()
        with seeded(2):
            assert torch.rand(400).tolist() == numbers(2)
        assert first + torch.rand(200).tolist() == numbers(1)


def followed_in_turns(seed: int, start: Barrier) -> list[float]:
    """Draw 400 numbers of a stream, from it and from torch's own generator in turns."""
    stream, drawn = RandomStream(seed), []
    start.wait()
    for _ in range(100):
        drawn += torch.rand(2, generator=stream.cpu).tolist()
        with stream.followed():
            drawn += torch.rand(1).tolist()
            # Another thread's turn.
            time.sleep(0)
            drawn += torch.rand(1).tolist()
    return drawn


def test_each_thread_has_the_numbers_of_its_own_seed() -> None:
    start = Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda seed: followed_in_turns(seed, start), range(8)))
    assert drawn == [numbers(seed) for seed in range(8)]


def test_a_stream_goes_on_from_a_state() -> None:
    stream, later = RandomStream(3), RandomStream(0)
    with stream.followed():
        torch.rand(100)
    state = stream.state()
    rest = torch.rand(300, generator=stream.cpu).tolist()
    later.resume(state)
    with later.followed():
        assert torch.rand(300).tolist() == rest == numbers(3)[100:]
