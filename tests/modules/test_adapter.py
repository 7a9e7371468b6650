from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from legonet.modules.adapter import Adapter
from legonet.modules.seeding import seeded


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=3),
    st.integers(1, 9),
    st.integers(1, 9),
)
@settings(max_examples=30, deadline=None)
def test_the_channels_change_and_the_size_stays(
    channels_in: int, channels_out: int, kernels: list[int], height: int, width: int
) -> None:
    adapter = Adapter(channels_in, channels_out, kernels)
    assert adapter(torch.rand(2, channels_in, height, width)).shape == (
        2,
        channels_out,
        height,
        width,
    )
    assert (adapter.channels_in, adapter.channels_out) == (channels_in, channels_out)
    assert adapter.kernels == tuple(kernels)


def test_it_rescales_then_convolves_and_rectifies() -> None:
    adapter = Adapter(4, 3, [3, 1], scale=2.5)
    first, second = adapter.convolutions
    features = torch.randn(2, 4, 6, 6)
    expected = functional.conv2d(2.5 * features, first.weight, first.bias, padding=1).relu()
    expected = functional.conv2d(expected, second.weight, second.bias).relu()
    torch.testing.assert_close(adapter(features), expected, rtol=0, atol=0)


@pytest.mark.parametrize("kernels", [[1], [3], [3, 3, 3], [1, 5]])
def test_dirac_passes_features_through(kernels: list[int]) -> None:
    adapter = Adapter(4, 4, kernels, scale=0.5).dirac_()
    features = torch.rand(2, 4, 5, 5)
    torch.testing.assert_close(adapter(features), 0.5 * features, rtol=0, atol=0)


def test_the_scale_is_kept_but_never_learned() -> None:
    adapter = Adapter(2, 2, [1], scale=3.0)
    assert "scale" not in dict(adapter.named_parameters())
    other = Adapter(2, 2, [1])
    other.load_state_dict(adapter.state_dict())
    assert other.scale.item() == 3.0


def test_it_begins_as_torchs_own_convs_do_and_leaves_torchs_generator_alone() -> None:
    with seeded(5):
        expected = [nn.Conv2d(4, 3, 3), nn.Conv2d(3, 3, 1)]
        before = torch.get_rng_state()
        adapter = Adapter(4, 3, [3, 1], generator=torch.Generator().manual_seed(5))
        assert torch.equal(torch.get_rng_state(), before)
    for conv, own in zip(adapter.convolutions, expected, strict=True):
        assert torch.equal(conv.weight, own.weight)
        assert conv.bias is not None
        assert own.bias is not None
        assert torch.equal(conv.bias, own.bias)
    with torch.device("meta"):
        assert all(tensor.is_meta for tensor in Adapter(4, 3, [3, 1]).state_dict().values())


@pytest.mark.parametrize("kernels", [[1], [3], [3, 3, 3], [1, 5]])
def test_signed_features_keep_their_sign_and_pass_any_depth_unchanged(kernels: list[int]) -> None:
    adapter = Adapter(4, 4, kernels, scale=0.5, activation="identity").dirac_()
    features = torch.randn(2, 4, 5, 5)
    torch.testing.assert_close(adapter(features), 0.5 * features, rtol=0, atol=0)


def test_without_a_last_relu_further_convs_are_residual_branches() -> None:
    adapter = Adapter(4, 3, [3, 1, 3], scale=2.5, activation="identity")
    features = torch.randn(2, 4, 6, 6)
    first, *others = adapter.convolutions
    expected = functional.conv2d(2.5 * features, first.weight, first.bias, padding=1)
    for conv, padding in zip(others, (0, 1), strict=True):
        changed = functional.conv2d(expected.relu(), conv.weight, conv.bias, padding=padding)
        expected = expected + changed
    torch.testing.assert_close(adapter(features), expected, rtol=0, atol=0)
    assert (adapter(features) < 0).any()


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_the_linear_kernels_are_those_of_the_adapter_without_its_relus(activation: str) -> None:
    adapter = Adapter(3, 4, [1, 3, 1], activation=activation).double()  # type: ignore[arg-type]
    for conv in adapter.convolutions:
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)
    features = torch.rand(1, 3, 5, 5, dtype=torch.float64)
    expected = features
    for kernel in adapter.linear_kernels:
        expected = functional.conv2d(expected, kernel, padding=kernel.shape[-1] // 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functional, "relu", lambda values, inplace=False: values)
        patch.setattr(torch.Tensor, "relu", lambda values: values)
        found = adapter(features)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("activation", ["relu", "identity"])
def test_a_description_rebuilds_the_form(activation: str) -> None:
    adapter = Adapter(3, 4, [1, 3], activation=activation)  # type: ignore[arg-type]
    again = Adapter.of(adapter.description)
    again.load_state_dict(adapter.state_dict())
    features = torch.randn(1, 3, 5, 5)
    torch.testing.assert_close(again(features), adapter(features), rtol=0, atol=0)
