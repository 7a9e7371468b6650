from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from legonet.diagnostics import DiagnosticError
from legonet.goals import Goal
from legonet.goals.classification import Classification
from legonet.goals.segmentation import Segmentation
from legonet.language.declarations import Resize
from legonet.language.models import LibraryModel
from legonet.modules.cut import bottom, top
from legonet.modules.models import instantiate
from legonet.modules.shapes import Bottom, Fit, check_edge, check_output, shape_at
from legonet.modules.small import small_fcn, small_vgg


def code_of(error: pytest.ExceptionInfo[DiagnosticError]) -> str:
    return error.value.diagnostics[0].code


def fixed() -> nn.Sequential:
    """A network whose fully connected layer takes one size only."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 8 * 8, 1)
    )


@pytest.mark.parametrize("size", [16, 40, 64])
def test_shapes_are_those_of_a_real_run(size: int) -> None:
    network = small_vgg(3)
    for path in ("features.1", "features.4", "features", "classifier.0"):
        module = bottom(network, path)
        real = module(torch.zeros(1, 3, size, size)).shape[1:]
        assert shape_at(module, (3, size, size)) == tuple(real)


def test_nothing_is_computed_and_nothing_changes() -> None:
    network = small_vgg(3).train()
    network.features[0].weight.data.fill_(float("nan"))
    shape_at(network, (3, 32, 32))
    assert network.training
    assert not any(parameter.is_meta for parameter in network.parameters())


def test_pictures_may_be_too_small() -> None:
    network = instantiate(LibraryModel(library="torchvision", name="alexnet"), device="meta")
    with pytest.raises(DiagnosticError) as raised:
        shape_at(network, (3, 16, 16))
    assert code_of(raised) == "LEGO520"
    assert "3x16x16" in raised.value.diagnostics[0].message


def edge_of(
    category: nn.Module,
    until: str,
    task: nn.Module,
    after: str,
    *,
    size: int,
    own_size: int,
    kernels: Sequence[int] | None = (1,),
    resize: Resize | None = None,
) -> Fit:
    return check_edge(
        Bottom(category, bottom(category, until)),
        Bottom(task, bottom(task, after)),
        top(task, after),
        size=size,
        own_size=own_size,
        kernels=kernels,
        resize=resize,
    )


def joined(fit: Fit) -> tuple[int, ...]:
    assert fit.bridge is not None
    return fit.bridge.joined


def test_an_adapter_changes_channels_and_adaptive_pooling_takes_any_size() -> None:
    wide, narrow = small_vgg(1, channels=48), small_vgg(1)
    fit = edge_of(wide, "features.4", narrow, "features.4", size=64, own_size=32)
    assert (fit.features, joined(fit)) == ((48, 32, 32), (32, 32, 32))
    assert fit.bridge is not None
    assert fit.bridge.is_plain


def test_a_direct_edge_needs_the_same_channels() -> None:
    wide, narrow = small_vgg(1, channels=48), small_vgg(1)
    with pytest.raises(DiagnosticError) as raised:
        edge_of(wide, "features.4", narrow, "features.4", size=32, own_size=32, kernels=None)
    assert code_of(raised) == "LEGO521"
    assert "32 channels" in raised.value.diagnostics[0].message


def test_vectors_are_joined_with_maps_by_averaging() -> None:
    network = small_vgg(1)
    vectors = edge_of(network, "features.4", network, "flatten", size=32, own_size=32)
    assert joined(vectors)[1:] == (1, 1)
    assert vectors.bridge is not None
    assert vectors.bridge.resized_how == "16x16 to 1x1, averaged"


def test_a_fully_connected_layer_fixes_the_size() -> None:
    network = fixed()
    assert joined(edge_of(network, "1", network, "1", size=16, own_size=16)) == (6, 8, 8)
    with pytest.raises(DiagnosticError) as raised:
        edge_of(network, "1", network, "1", size=32, own_size=16)
    assert code_of(raised) == "LEGO522"
    assert "6x8x8" in raised.value.diagnostics[0].message
    assert "6x16x16" in raised.value.diagnostics[0].message


def test_cuts_at_other_depths_are_resized_unless_the_spec_forbids_it() -> None:
    category, task = small_vgg(1), small_fcn(1)
    same = edge_of(category, "features.4", task, "features.4", size=32, own_size=64)
    assert joined(same) == (32, 16, 16)
    deeper = edge_of(category, "features.9", task, "features.4", size=32, own_size=32)
    assert joined(deeper) == (32, 16, 16)
    assert deeper.bridge is not None
    assert deeper.bridge.resized_how == "8x8 to 16x16, bilinear"
    with pytest.raises(DiagnosticError) as raised:
        edge_of(category, "features.9", task, "features.4", size=32, own_size=32, resize="none")
    assert code_of(raised) == "LEGO605"


def test_outputs_answer_the_recipe() -> None:
    check_output(small_vgg(10), Classification(), 10, 32)
    check_output(small_fcn(1), Segmentation(), 1, 32)


@pytest.mark.parametrize(
    ("network", "goal", "size", "found", "advice"),
    [
        (small_vgg(10), Classification(), 32, "found 10", "1 output"),
        (small_vgg(1), Segmentation(), 32, "found 1", "per pixel"),
        (small_fcn(1), Classification(), 32, "found 1x32x32", "per picture"),
        (small_fcn(1, stride=8), Segmentation(), 36, "found 1x32x32", "multiple of 32"),
    ],
)
def test_outputs_that_do_not(
    network: nn.Module, goal: Goal, size: int, found: str, advice: str
) -> None:
    with pytest.raises(DiagnosticError) as raised:
        check_output(network, goal, 1, size)
    assert code_of(raised) == "LEGO523"
    assert found in raised.value.diagnostics[0].message
    assert advice in raised.value.diagnostics[0].help[0]


class Twofold(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


def test_a_network_that_returns_no_tensor_is_told_so() -> None:
    with pytest.raises(DiagnosticError) as raised:
        check_output(Twofold(), Segmentation(), 21, 64)
    assert code_of(raised) == "LEGO520"
    assert "instead of one tensor" in raised.value.diagnostics[0].message


def test_a_segmenter_of_torchvision_answers_with_its_main_map() -> None:
    model = LibraryModel(library="torchvision", name="fcn_resnet50")
    check_output(instantiate(model, device="meta"), Segmentation(), 21, 64)
