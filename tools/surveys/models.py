"""The models that are tried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Surveyed:
    """A model, and pictures for it.

    Args:
        call: What a spec says after ``model:``, without its arguments.
        arguments: The arguments; the number of outputs is added.
        size: Height and width of the pictures.
        pixels: Whether it answers for each pixel.
        config: For a model of transformers, what its ``config.json`` says.
    """

    call: str
    arguments: str = ""
    size: int = 64
    pixels: bool = False
    config: Mapping[str, object] = field(default_factory=dict)

    @property
    def library(self) -> str:
        """The library that it comes from."""
        return self.call.partition(".")[0]

    def model(self, folder: Path, outputs: int = 1) -> str:
        """Return what a spec says after ``model:``.

        Args:
            folder: Where the configuration of a model of transformers is written.
            outputs: The number of its outputs.
        """
        if self.config:
            kind = self.call.partition(".")[2]
            place = folder / kind
            place.mkdir(exist_ok=True)
            (place / "config.json").write_text(json.dumps({"model_type": kind, **self.config}))
            expected = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
            (place / "preprocessor_config.json").write_text(json.dumps(expected))
            return f'transformers.model("{place.as_posix()}", classes: {outputs})'
        arguments = f"num_classes: {outputs}" + (f", {self.arguments}" if self.arguments else "")
        return f"{self.call}({arguments})"


TOKENS: Mapping[str, object] = {
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "image_size": 64,
    "patch_size": 16,
}
"""The shape of a small ViT of transformers."""


def _transformers(kind: str, architecture: str, **config: object) -> Surveyed:
    architectures = [f"{architecture}ForImageClassification"]
    return Surveyed(f"transformers.{kind}", config={"architectures": architectures, **config})


MODELS = (
    Surveyed("torchvision.alexnet"),
    Surveyed("torchvision.vgg11_bn", size=32),
    Surveyed("torchvision.resnet18"),
    Surveyed("torchvision.resnet50"),
    Surveyed("torchvision.resnext50_32x4d"),
    Surveyed("torchvision.densenet121"),
    Surveyed("torchvision.squeezenet1_1"),
    Surveyed("torchvision.googlenet"),
    Surveyed("torchvision.inception_v3", size=96),
    Surveyed("torchvision.mobilenet_v2"),
    Surveyed("torchvision.mobilenet_v3_small"),
    Surveyed("torchvision.mnasnet0_5"),
    Surveyed("torchvision.shufflenet_v2_x0_5"),
    Surveyed("torchvision.efficientnet_b0"),
    Surveyed("torchvision.regnet_y_400mf"),
    Surveyed("torchvision.convnext_tiny"),
    Surveyed("torchvision.vit_b_16", "image_size: 64"),
    Surveyed("torchvision.swin_t"),
    Surveyed("torchvision.swin_v2_t"),
    Surveyed("torchvision.maxvit_t", "input_size: [64, 64], partition_size: 2"),
    Surveyed("torchvision.fcn_resnet50", pixels=True),
    Surveyed("torchvision.deeplabv3_mobilenet_v3_large", pixels=True),
    Surveyed("torchvision.lraspp_mobilenet_v3_large", pixels=True),
    Surveyed("timm.test_vit", "img_size: 64, dynamic_img_size: false"),
    Surveyed("timm.test_vit2", "img_size: 64"),
    Surveyed("timm.test_vit3", "img_size: 64"),
    Surveyed("timm.test_vit4", "img_size: 64"),
    Surveyed("timm.test_byobnet"),
    Surveyed("timm.test_convnext"),
    Surveyed("timm.test_convnext2"),
    Surveyed("timm.test_convnext3"),
    Surveyed("timm.test_efficientnet"),
    Surveyed("timm.test_efficientnet_gn"),
    Surveyed("timm.test_efficientnet_ln"),
    Surveyed("timm.test_efficientnet_evos"),
    Surveyed("timm.test_mambaout"),
    Surveyed("timm.test_nfnet"),
    Surveyed("timm.test_resnet"),
    Surveyed("timm.tf_efficientnet_lite0"),
    Surveyed("timm.mobilenetv4_conv_small"),
    Surveyed("timm.ghostnet_050"),
    Surveyed("timm.regnety_002"),
    Surveyed("timm.resnet10t"),
    Surveyed("timm.convnextv2_atto"),
    Surveyed("timm.vit_tiny_patch16_224", "img_size: 64"),
    Surveyed("timm.deit_tiny_patch16_224", "img_size: 64"),
    Surveyed("timm.deit_tiny_distilled_patch16_224", "img_size: 64"),
    Surveyed("timm.vit_small_patch14_reg4_dinov2", "img_size: 56", 56),
    Surveyed("timm.beit_base_patch16_224", "img_size: 64, depth: 4"),
    Surveyed("timm.cait_xxs24_224", "img_size: 64, depth: 6"),
    Surveyed("timm.swin_tiny_patch4_window7_224", "img_size: 64"),
    Surveyed("timm.swinv2_tiny_window8_256", "img_size: 64"),
    Surveyed("timm.hiera_tiny_224", "img_size: 64"),
    Surveyed("timm.mixer_s16_224", "img_size: 64"),
    Surveyed("timm.gmlp_s16_224", "img_size: 64, num_blocks: 8"),
    Surveyed("timm.maxvit_rmlp_pico_rw_256", "img_size: 64"),
    Surveyed("timm.coatnet_nano_rw_224", "img_size: 64"),
    Surveyed("timm.mobilevit_xxs"),
    Surveyed("timm.edgenext_xx_small"),
    Surveyed("timm.efficientvit_b0"),
    Surveyed("timm.fastvit_t8"),
    Surveyed("timm.poolformer_s12"),
    Surveyed("timm.levit_128s", "img_size: 64"),
    Surveyed("timm.tiny_vit_5m_224", "img_size: 64"),
    Surveyed("timm.pvt_v2_b0"),
    Surveyed("timm.xcit_nano_12_p16_224", "depth: 4"),
    _transformers(
        "resnet",
        "ResNet",
        embedding_size=8,
        hidden_sizes=[8, 16],
        depths=[2, 2],
        layer_type="basic",
    ),
    _transformers(
        "regnet", "RegNet", embedding_size=8, hidden_sizes=[8, 16], depths=[2, 2], groups_width=8
    ),
    _transformers("convnext", "ConvNext", hidden_sizes=[8, 16], depths=[2, 2], num_stages=2),
    _transformers("convnextv2", "ConvNextV2", hidden_sizes=[8, 16], depths=[2, 2], num_stages=2),
    _transformers("vit", "ViT", **TOKENS),
    _transformers("deit", "DeiT", **TOKENS),
    _transformers("dinov2", "Dinov2", **TOKENS),
    _transformers(
        "swin", "Swin", embed_dim=8, depths=[2, 2], num_heads=[1, 2], window_size=4, image_size=64
    ),
)
