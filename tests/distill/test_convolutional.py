from __future__ import annotations

import pytest
import torch
from graph_networks import Mean, densenet, fcn, resnet
from torch import nn
from toy_networks import fcn_top, seeded, vgg_top

from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.convolutional import convolutional
from legonet.modules.digest import state_digest

SHAPE = (4, 8, 8)


def test_one_position_gives_the_layers_own_outputs():
    module = seeded(lambda: vgg_top(outputs=3), 0)
    read, shape = convolutional(module, SHAPE, 1)
    values = torch.randn(2, *SHAPE)
    assert shape == SHAPE
    found = read(values)
    assert found.shape == (2, 3, 1, 1)
    assert torch.allclose(found[:, :, 0, 0], module(values), atol=1e-6)


def test_grid_is_the_outputs_of_shifted_windows():
    module = seeded(vgg_top, 0)
    read, shape = convolutional(module, SHAPE, 3)
    assert shape == (4, 16, 16), "two poolings by two, two more positions"
    values = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    found = read(values)
    assert found.shape == (1, 1, 3, 3)
    # Without padding a window sees nothing of its surroundings, so that the grid is exact.
    bare = nn.Sequential(
        nn.Conv2d(4, 5, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(45, 2)
    )
    bare = seeded(lambda: bare, 1)
    read, shape = convolutional(bare, SHAPE, 3)
    assert shape == (4, 12, 12)
    values = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    found = read(values)
    for down in range(3):
        for across in range(3):
            window = values[:, :, 2 * down : 2 * down + 8, 2 * across : 2 * across + 8]
            assert torch.allclose(found[:, :, down, across], bare(window), atol=1e-6)


@pytest.mark.parametrize(("full", "pooled"), [(5, 2), (7, 2), (9, 4), (8, 4), (6, 1)])
def test_adaptive_pooling_by_windows_of_one_size_has_a_grid(full, pooled):
    module = seeded(
        lambda: nn.Sequential(
            nn.AdaptiveAvgPool2d(pooled), nn.Flatten(), nn.Linear(4 * pooled**2, 2)
        ),
        1,
    )
    read, shape = convolutional(module, (4, full, full), 1)
    values = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(read(values)[:, :, 0, 0], module(values), atol=1e-6)
    read, shape = convolutional(module, (4, full, full), 3)
    values = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    found, stride = read(values), (shape[1] - full) // 2
    assert found.shape == (1, 2, 3, 3)
    for down in range(3):
        for across in range(3):
            rows = slice(stride * down, stride * down + full)
            columns = slice(stride * across, stride * across + full)
            window = values[:, :, rows, columns]
            assert torch.allclose(found[:, :, down, across], module(window), atol=1e-6)


@pytest.mark.parametrize(
    "make", [resnet, densenet, lambda: nn.Sequential(nn.MaxPool2d(4), Mean(4))]
)
def test_blocks_that_branch_have_a_grid_too(make):
    module = seeded(make, 3)
    values = torch.randn(2, *SHAPE)
    read, shape = convolutional(module, SHAPE, 1)
    assert shape == SHAPE
    assert torch.allclose(read(values).flatten(1), module(values), atol=1e-6)
    read, shape = convolutional(module, SHAPE, 3)
    assert read(torch.zeros(1, *shape)).shape == (1, *module(values).shape[1:], 3, 3)


def test_the_module_itself_stays_as_it_is():
    module = seeded(vgg_top, 0)
    before = state_digest(module)
    read, _ = convolutional(module, SHAPE, 3)
    assert state_digest(module) == before
    assert type(module[7]) is nn.Linear
    assert read.get_parameter("7.weight").data_ptr() == module[7].weight.data_ptr(), "no copies"


@pytest.mark.parametrize(
    "module",
    [
        fcn_top(),
        fcn(),
        nn.Sequential(nn.Conv2d(4, 2, 1)),
        nn.Sequential(nn.Linear(8, 3), nn.Flatten()),
        nn.Sequential(nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(36, 1)),
        nn.Sequential(nn.MaxPool2d((2, 1)), nn.Flatten(), nn.Linear(128, 1)),
    ],
)
def test_what_has_no_grid_is_refused(module):
    with pytest.raises(DiagnosticError) as caught:
        convolutional(module.eval(), SHAPE, 3)
    assert caught.value.diagnostics[0].code == "LEGO603"
