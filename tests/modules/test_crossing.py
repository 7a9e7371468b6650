from __future__ import annotations

import torch
from torch import nn

from legonet.modules.crossing import on_meta
from legonet.modules.freeze import freeze


class Tied(nn.Module):
    """Holds one layer under two names, and once more in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)
        self.again = self.conv
        self.norm = nn.BatchNorm2d(3)
        self.stages = [self.conv, self.norm]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for stage in self.stages:
            x = stage(x)
        answer: torch.Tensor = self.again(x)
        return answer


def test_a_module_on_meta_answers_with_shapes_and_leaves_the_module_as_it_is() -> None:
    module = freeze(Tied())
    tensors = {name: (tensor, tensor.clone()) for name, tensor in module.state_dict().items()}
    answer = on_meta(module)(torch.empty(2, 3, 4, 5, device="meta"))
    assert answer.is_meta
    assert answer.shape == (2, 3, 4, 5)
    for name, tensor in module.state_dict().items():
        held, value = tensors[name]
        assert tensor.data_ptr() == held.data_ptr()
        assert torch.equal(tensor, value)
    assert module(torch.ones(1, 3, 4, 5)).device.type == "cpu"


def test_a_copy_on_meta_takes_no_memory_and_keeps_what_is_tied() -> None:
    copied = on_meta(Tied())
    assert all(tensor.is_meta for tensor in copied.state_dict(keep_vars=True).values())
    assert copied.conv is copied.again is copied.stages[0]
    assert on_meta(copied) is copied
