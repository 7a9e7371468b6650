"""Pseudo-gradients through smooth activations and layer norms, against plain autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from toy_networks import seeded

from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.operations import has_surrogate
from legonet.distill.pseudo_gradients.surrogate import Surrogate
from legonet.language.models import LibraryModel
from legonet.modules.bridge import Bridge, leaving
from legonet.modules.cut import bottom, top
from legonet.modules.layout import Layout
from legonet.modules.models import instantiate

FEATURES = torch.randn(3, 4, 6, 6, generator=torch.Generator().manual_seed(1))


def gradient(module: nn.Module, features: Tensor) -> Tensor:
    inputs = features.clone().requires_grad_()
    (found,) = torch.autograd.grad(module(inputs).sum(), inputs)
    return found


def pseudo_gradient(module: nn.Module, features: Tensor) -> Tensor:
    surrogate = Surrogate.of(module, tuple(features.shape[1:])).measured(lambda: features)
    with torch.no_grad():
        given = torch.ones_like(module(features))
    return surrogate.pseudo_gradient(given, surrogate.real_gates(features))


@pytest.mark.parametrize("kind", [nn.GELU, nn.SiLU, nn.Hardswish, nn.Mish, nn.ELU])
def test_with_the_slopes_of_its_own_features_it_is_the_gradient(kind: type[nn.Module]) -> None:
    module = seeded(
        lambda: nn.Sequential(nn.Conv2d(4, 5, 3), kind(), nn.Conv2d(5, 2, 1), kind()), 0
    ).eval()
    found = pseudo_gradient(module, FEATURES)
    torch.testing.assert_close(found, gradient(module, FEATURES), rtol=1e-4, atol=1e-5)
    assert Surrogate.of(module, (4, 6, 6)).is_approximate


def test_activations_may_be_functions() -> None:
    class Functional(nn.Module):
        def forward(self, features: Tensor) -> Tensor:
            curved = nn.functional.gelu(features, approximate="tanh")
            return nn.functional.silu(nn.functional.hardswish(curved), inplace=True)

    found = pseudo_gradient(Functional(), FEATURES)
    torch.testing.assert_close(found, gradient(Functional(), FEATURES), rtol=1e-4, atol=1e-5)


class FixedNorm(nn.Module):
    """What a layer norm does once its mean and deviation are constants."""

    def __init__(self, norm: nn.LayerNorm, features: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        variance, self.mean = torch.var_mean(features, -1, correction=0)
        self.scale = (variance + norm.eps).rsqrt().mean()

    def forward(self, features: Tensor) -> Tensor:
        return (features - self.mean[..., None]) * self.scale * self.weight + self.bias


def test_a_layer_norm_has_fixed_statistics() -> None:
    norm = seeded(lambda: nn.LayerNorm(6), 0)
    nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(0))
    found = pseudo_gradient(nn.Sequential(norm), 3 * FEATURES + 1)
    expected = gradient(FixedNorm(norm, 3 * FEATURES + 1), FEATURES)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    # Without pictures, the deviation is 1.
    surrogate = Surrogate.of(nn.Sequential(norm), (4, 6, 6))
    ones = torch.ones(1, 4, 6, 6)
    torch.testing.assert_close(
        surrogate.pseudo_gradient(ones, surrogate.real_gates(FEATURES[:1])),
        norm.weight.detach().expand(1, 4, 6, 6),
    )


def model(library: str, name: str, **arguments: object) -> nn.Module:
    return instantiate(LibraryModel(library=library, name=name, arguments=arguments))


SMALL = {"depths": [1, 1, 1, 1], "dims": [8, 8, 16, 16], "num_classes": 1}


def test_convnext_and_mixer_have_surrogates() -> None:
    convnext = model("timm", "convnext_tiny", **SMALL)
    above = top(convnext, "stages.0")
    with torch.no_grad():
        features = bottom(convnext, "stages.0")(torch.randn(2, 3, 32, 32))
    found = pseudo_gradient(above, features)
    assert found.shape == features.shape
    # The branches of an untrained ConvNeXt are small, so that its gradient is nearly that of the
    # layers between them.
    cosine = torch.cosine_similarity(found.flatten(), gradient(above, features).flatten(), dim=0)
    assert cosine > 0.5

    mixer = model("timm", "mixer_s32_224", img_size=64, num_classes=1)
    layout = Layout("tokens", 512, 2, 2)
    maps = leaving(top(mixer, "blocks.6"), Bridge.between(layout, layout).own)
    assert has_surrogate(maps)


def test_attention_is_refused_by_name() -> None:
    vit = model("timm", "vit_tiny_patch16_224", img_size=32, depth=2, embed_dim=24, num_heads=2)
    layout = Layout("tokens", 24, 2, 2, 1)
    maps = leaving(top(vit, "blocks.0"), Bridge.between(layout, layout).own)
    with pytest.raises(DiagnosticError) as caught:
        Surrogate.of(maps, (24, 5, 1))
    assert caught.value.diagnostics[0].code == "LEGO601"
    assert "`blocks.1.attn" in caught.value.diagnostics[0].message
