"""Networks get their pictures as they know them, from pictures as all of legonet has them."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from legonet.data import to_tensor
from legonet.language.declarations import Network
from legonet.language.inputs import Input
from legonet.language.models import LibraryModel
from legonet.language.weights import TorchvisionWeights, WeightsFile
from legonet.modules.cut import bottom, check_path, top
from legonet.modules.inputs import CONVERSION, convert_input, input_of
from legonet.modules.models import instantiate
from legonet.modules.shapes import shape_at
from legonet.modules.small import small_fcn, small_vgg

HALF = Input(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
CAFFE = Input(mean=(103.9, 116.8, 123.7), std=(1.0, 1.0, 1.0), channels="bgr", range=255)


def images(size: int = 16, count: int = 2) -> Any:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def by_hand(pictures: Any, settings: Input) -> Tensor:
    """Return what a network expects, computed from the pixels in float64."""
    values = pictures.astype(np.float64) / 255 * settings.range
    if settings.channels == "bgr":
        values = values[..., ::-1]
    values = (values - np.array(settings.mean)) / np.array(settings.std)
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2)))


class Seen(nn.Module):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Identity()
        self.last = nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        return self.last(self.body(pictures))


@pytest.mark.parametrize("settings", [HALF, CAFFE, Input(channels="bgr"), Input(range=255)])
def test_a_network_sees_what_its_own_normalisation_gives(settings: Input) -> None:
    network = convert_input(Seen(), settings)
    expected = by_hand(images(), settings)
    given = network(to_tensor(images()))
    assert torch.allclose(given.double(), expected, rtol=1e-5, atol=2e-6 * settings.range)
    cut = bottom(network, "body")(to_tensor(images()))
    assert torch.equal(cut, given)


def test_without_an_input_of_its_own_nothing_is_added() -> None:
    for settings in (None, Input(), Input(interpolation="bicubic")):
        network = convert_input(small_vgg(1), settings)
        assert not hasattr(network, CONVERSION)


def test_the_names_of_all_layers_and_cuts_stay() -> None:
    network, plain = convert_input(small_vgg(1).eval(), HALF), small_vgg(1).eval()
    plain.load_state_dict(network.state_dict())
    pictures = to_tensor(images())
    converted = network.get_submodule(CONVERSION)(pictures)
    for until in ("features.0", "features.4"):
        lower, upper = bottom(network, until), top(network, until)
        assert torch.equal(upper(lower(pictures)), network(pictures))
        assert torch.equal(lower(pictures), bottom(plain, until)(converted))
        assert not any(name.startswith(CONVERSION) for name in upper.state_dict())
    assert torch.equal(network(pictures), plain(converted))
    with pytest.raises(Exception, match="`features`") as raised:
        check_path(network, "nothing")
    assert CONVERSION not in str(raised.value)


def test_copies_and_pickles_convert_too() -> None:
    network, pictures = convert_input(small_vgg(1).eval(), HALF), to_tensor(images())
    for made in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        assert torch.equal(made(pictures), network(pictures))


def test_a_segmenter_that_scales_its_answer_to_the_picture_can_be_cut() -> None:
    network, pictures = convert_input(small_fcn(1).eval(), HALF), to_tensor(images(32))
    halves = bottom(network, "features.4"), top(network, "features.4")
    assert torch.equal(halves[1](halves[0](pictures)), network(pictures))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_pictures_of_other_sizes_are_resized_as_pillow_does_it(interpolation: Any) -> None:
    settings = HALF.changed(Input(size=24, interpolation=interpolation))
    network = convert_input(Seen(), settings)
    assert shape_at(network.to("meta"), (3, 64, 64)) == (3, 24, 24)
    smooth = Image.fromarray(images(4, 1)[0]).resize((64, 64), Image.Resampling.BICUBIC)
    method = Image.Resampling[interpolation.upper()]
    expected = by_hand(np.array(smooth.resize((24, 24), method))[None], HALF)
    given = convert_input(Seen(), settings)(to_tensor(np.array(smooth)[None]))
    # Pillow rounds to whole numbers of 255.
    assert (given - expected).abs().max() < 4 * 2 / 255


def test_the_middle_of_a_picture_may_be_all_that_is_used() -> None:
    network = convert_input(Seen(), Input(crop=0.5))
    pictures = to_tensor(images(16))
    assert torch.equal(network(pictures), pictures[..., 4:12, 4:12])


def declared(name: str, library: str, **fields: Any) -> tuple[Network, nn.Module]:
    model = LibraryModel(library=library, name=name, arguments=fields.pop("arguments", {}))
    return Network(model=model, **fields), instantiate(model, device="meta")


FILE = WeightsFile(file=Path("weights.safetensors"))


def test_timm_says_what_its_weights_expect() -> None:
    pytest.importorskip("timm")
    lite = declared("tf_efficientnet_lite0", "timm", weights=FILE)
    assert input_of(*lite, None) == HALF.changed(Input(interpolation="bicubic"))
    arguments = {"img_size": 64, "depth": 1, "embed_dim": 48, "num_heads": 3}
    vit = declared("vit_tiny_patch16_224", "timm", weights=FILE, arguments=arguments)
    assert input_of(*vit, None).size == 64
    assert input_of(*declared("resnet18", "timm", weights=FILE), None).is_default


def test_torchvision_says_what_its_weights_expect() -> None:
    def expected(name: str, weights: str) -> Input:
        named = TorchvisionWeights(name=weights)
        return input_of(*declared(name, "torchvision", weights=named), None)

    assert expected("resnet18", "IMAGENET1K_V1").is_default
    assert expected("vgg11", "IMAGENET1K_V1").is_default
    features = expected("vgg16", "IMAGENET1K_FEATURES")
    assert features.mean == pytest.approx((0.48235, 0.45882, 0.40784))
    assert features.std == pytest.approx([1 / 255] * 3)
    assert expected("vit_b_16", "IMAGENET1K_V1").size == 224


def test_the_weights_of_googlenet_see_what_torchvision_shows_them() -> None:
    """torchvision has them converted in the network, if it loads them itself."""
    torchvision = pytest.importorskip("torchvision")
    declaration, _ = declared(
        "googlenet", "torchvision", weights=TorchvisionWeights(name="IMAGENET1K_V1")
    )
    theirs = torchvision.models.googlenet(init_weights=False, transform_input=True).eval()
    ours = instantiate(declaration.model)
    ours.load_state_dict(theirs.state_dict())
    convert_input(ours, input_of(declaration, ours, None))
    pictures = to_tensor(images(64))
    with torch.no_grad():
        assert torch.allclose(ours(pictures), theirs(pictures), rtol=1e-4, atol=1e-4)


def test_without_ready_weights_nothing_is_asked() -> None:
    pytest.importorskip("timm")
    network = declared("tf_efficientnet_lite0", "timm", init="other")
    assert input_of(*network, None) == Input()
    assert input_of(*network, HALF) == HALF


def test_what_is_written_overrides_the_rest_field_by_field() -> None:
    pytest.importorskip("timm")
    mine = Input(mean=(0.1, 0.2, 0.3))
    found = input_of(*declared("tf_efficientnet_lite0", "timm", weights=FILE, input=mine), None)
    assert (found.mean, found.std) == ((0.1, 0.2, 0.3), HALF.std)
    assert Input().changed(Input(range=255)).mean == pytest.approx((123.675, 116.28, 103.53))
    assert Input().changed(Input(channels="bgr")).mean == (0.406, 0.456, 0.485)
