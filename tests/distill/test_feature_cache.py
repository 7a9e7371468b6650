"""Outputs of frozen modules are computed once, and are what they would be without a cache."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from legonet.distill.edges.feature_cache import FeatureCache


class Counting(nn.Module):
    """A conv that counts how often it runs."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(3, 4, 3)
        self.runs = 0

    def forward(self, pictures: Tensor) -> Tensor:
        self.runs += 1
        return self.conv(pictures)


def pictures(seed: int = 0, count: int = 2) -> Tensor:
    return torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_the_same_batch_is_computed_once() -> None:
    module, cache = Counting(), FeatureCache()
    asked = cache.remembering(module, "net")
    again = cache.remembering(module, "net")
    with torch.no_grad():
        first = asked(pictures())
        assert torch.equal(again(pictures().clone()), first)
        assert module.runs == 1
        assert torch.equal(asked(pictures(1)), module.conv(pictures(1)))
        assert not torch.equal(asked(pictures().double().float()[:1]), first)
    assert module.runs == 3


def test_modules_of_other_keys_share_nothing() -> None:
    one, other, cache = Counting(0), Counting(1), FeatureCache()
    with torch.no_grad():
        found = cache.remembering(one, "one")(pictures())
        assert not torch.equal(cache.remembering(other, "other")(pictures()), found)


def test_what_is_done_to_an_output_is_done_to_a_copy() -> None:
    asked = FeatureCache().remembering(Counting(), "net")
    with torch.no_grad():
        before = asked(pictures()).clone()
        asked(pictures()).relu_()
        asked(pictures()).zero_()
        assert torch.equal(asked(pictures()), before)


def test_what_was_computed_in_inference_mode_can_be_learned_from() -> None:
    asked = FeatureCache().remembering(Counting(), "net")
    with torch.inference_mode():
        asked(pictures())
    with torch.no_grad():
        features = asked(pictures())
    weight = torch.ones(1, requires_grad=True)
    (features * weight).sum().backward()
    assert weight.grad is not None


def test_a_gradient_passes() -> None:
    asked = FeatureCache().remembering(Counting(), "net")
    given = pictures().requires_grad_()
    asked(given).sum().backward()
    assert given.grad is not None
    assert bool(given.grad.abs().sum() > 0)


def test_memory_is_bounded_and_none_keeps_nothing() -> None:
    module = Counting()
    size = module.conv(pictures()).nbytes
    module.runs = 0
    asked = FeatureCache(2 * size).remembering(module, "net")
    with torch.no_grad():
        for seed in (0, 1, 0, 2, 0, 1):
            asked(pictures(seed))
        # 1 had to go for 2, since 0 was asked for later.
        assert module.runs == 4
        asked(pictures(3, count=9))
        asked(pictures(3, count=9))
    assert module.runs == 6, "larger than the cache"
    assert FeatureCache(0).remembering(module, "net") is module
