from __future__ import annotations

import pickle
from copy import deepcopy

import pytest
import torch
from torch import nn

from legonet.modules.freeze import freeze


def block() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Dropout())


def test_training_a_network_around_it_leaves_it_frozen() -> None:
    frozen = freeze(block())
    whole = nn.Sequential(frozen, nn.Conv2d(3, 3, 1)).train()
    assert whole[1].training
    assert not any(module.training for module in frozen.modules())
    before = {name: tensor.clone() for name, tensor in frozen.state_dict().items()}
    whole(torch.randn(4, 3, 5, 5)).sum().backward()
    assert all(torch.equal(before[name], tensor) for name, tensor in frozen.state_dict().items())
    assert all(parameter.grad is None for parameter in frozen.parameters())
    assert whole[1].weight.grad is not None


def test_it_keeps_its_type_and_names() -> None:
    module = block()
    names = list(module.state_dict())
    assert freeze(module) is module
    assert type(module) is nn.Sequential
    assert list(module.state_dict()) == names


@pytest.mark.parametrize("copied", [deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_copies_are_frozen_for_themselves(copied: object) -> None:
    frozen = freeze(block())
    copy = copied(frozen)  # type: ignore[operator]
    assert copy.train() is copy
    assert not any(module.training for module in copy.modules())
