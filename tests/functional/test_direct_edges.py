"""A direct edge answers like the network that it is made of, whatever crosses its cut."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from kit.specs import broken, build_of, write_spec
from safetensors.torch import save_file
from torch import Tensor, nn

from legonet import TransplantNetwork
from legonet.modules.cut import bottom, top

timm = pytest.importorskip("timm")

Arguments = dict[str, object]

NETWORKS: dict[str, tuple[str, Arguments, tuple[str, ...]]] = {
    "ViT": (
        "vit_tiny_patch16_224",
        {"img_size": 32, "depth": 2, "embed_dim": 24, "num_heads": 2, "patch_size": 8},
        ("patch_embed.proj", "patch_embed", "pos_drop", "blocks.0", "blocks.1", "norm", "fc_norm"),
    ),
    "Swin": (
        "swin_tiny_patch4_window7_224",
        {"img_size": 32, "window_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2]},
        ("patch_embed", "layers.0", "layers.1.downsample", "norm", "head.global_pool"),
    ),
    "ConvNeXt": (
        "convnext_tiny",
        {"depths": [1, 1, 1, 1], "dims": [8, 8, 16, 16]},
        ("stem", "stages.0", "stages.1.downsample", "stages.3", "head.norm", "head.flatten"),
    ),
    "MaxViT": (
        "test_maxvit",
        {"img_size": 64},
        ("stem", "stages.0.blocks.0.conv", "stages.0.blocks.0.attn_block", "stages.1"),
    ),
    "Hiera": (
        "hiera_tiny_224",
        {"img_size": [64, 64], "embed_dim": 16, "stages": [1, 1], "q_pool": 1},
        ("patch_embed", "unroll", "blocks.0", "blocks.1", "head.norm"),
    ),
    "Mixer": (
        "mixer_s32_224",
        {"img_size": 64},
        ("stem", "blocks.0", "blocks.1", "norm", "head_drop"),
    ),
}
"""timm's model, its arguments, and where it is cut."""


END_TO_END = {"ViT": "blocks.0", "Swin": "layers.0", "Hiera": "blocks.0"}
"""The cuts of a spec, where tokens, channels-last maps and tokens in another order cross."""


def network_of(family: str) -> nn.Module:
    """Return timm's network, of which no part gives zeros."""
    name, arguments, _ = NETWORKS[family]
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=3, **arguments)
    for parameter in network.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def pictures_for(family: str) -> Tensor:
    size = NETWORKS[family][1].get("img_size", 32)
    return torch.randn(2, 3, *(size if isinstance(size, list) else [size, size]))


@torch.no_grad()
@pytest.mark.parametrize("family", NETWORKS)
def test_its_halves_are_all_of_the_network(family: str) -> None:
    network, pictures = network_of(family), pictures_for(family)
    expected = network(pictures)
    assert expected.std() > 0
    for cut in NETWORKS[family][2]:
        found = top(network, cut)(bottom(network, cut)(pictures))
        assert torch.allclose(found, expected, atol=1e-6), cut


@torch.no_grad()
def test_it_answers_like_timm_in_a_built_network(tmp_path: Path) -> None:
    lines = []
    for family, cut in END_TO_END.items():
        save_file(network_of(family).state_dict(), tmp_path / f"{family}.safetensors")
        name, arguments, _ = NETWORKS[family]
        given = "".join(f", {field}: {value}" for field, value in arguments.items())
        usual = "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]"
        lines += [
            f"network {family} {{",
            f'  model: timm.{name}(num_classes: 3{given}), weights: "{family}.safetensors"',
            f"  labels: [a, b, c], input {{ {usual} }}",
            "}",
            f'category below_{family} {{ from: {family}, until: "{cut}" }}',
            f'task above_{family} {{ from: {family}, after: "{cut}" }}',
            f"adapter below_{family} -> above_{family}",
        ]
    spec = write_spec(tmp_path, "\n".join(lines))
    assert not broken(build_of(spec))
    joined = TransplantNetwork.open(spec)
    for family in END_TO_END:
        pictures = pictures_for(family)
        found = joined(pictures, category=f"below_{family}", task=f"above_{family}")
        assert torch.allclose(found, network_of(family)(pictures), atol=1e-5), family
