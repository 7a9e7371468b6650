from __future__ import annotations

import re

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from legonet.modules.digest import state_digest


def test_equal_tensors_have_one_digest_however_they_are_held() -> None:
    values = torch.randn(3, 4, 5, 6)
    digest = state_digest({"a": values, "b": torch.arange(3)})
    assert re.fullmatch("[0-9a-f]{64}", digest)
    again = {
        "b": torch.arange(3),
        "a": nn.Parameter(values.clone().to(memory_format=torch.channels_last)),
    }
    assert state_digest(again) == digest


def test_every_difference_counts() -> None:
    states = [
        {"a": torch.zeros(4)},
        {"b": torch.zeros(4)},
        {"a": torch.zeros(2, 2)},
        {"a": torch.zeros(4, dtype=torch.int32)},
        {"a": torch.zeros(4, dtype=torch.bfloat16)},
        {"a": torch.zeros(4, dtype=torch.float16)},
        {"a": -torch.zeros(4)},
        {"a": torch.zeros(4), "b": torch.zeros(0)},
        {"a": torch.tensor(0.0)},
        {},
    ]
    assert len({state_digest(state) for state in states}) == len(states)


@given(st.integers(0, 11), st.integers(0, 7))
def test_a_single_flipped_bit_counts(place: int, bit: int) -> None:
    raw = np.arange(12, dtype=np.uint8)
    digest = state_digest({"a": torch.from_numpy(raw.copy()).view(torch.bfloat16)})
    raw[place] ^= 1 << bit
    assert state_digest({"a": torch.from_numpy(raw).view(torch.bfloat16)}) != digest


def test_a_module_stands_for_its_state() -> None:
    module = nn.BatchNorm2d(3)
    before = state_digest(module)
    assert before == state_digest(module.state_dict())
    module(torch.randn(2, 3, 4, 4))
    assert state_digest(module) != before
