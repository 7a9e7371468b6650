"""What the libraries say of the outputs of their networks."""

from __future__ import annotations

from pathlib import Path

import pytest

from legonet.building.planning.datasets import distinct
from legonet.language.models import LibraryModel
from legonet.language.weights import TorchvisionWeights, WeightsFile
from legonet.modules.labels import published_labels

FILE = WeightsFile(file=Path("net.safetensors"))


def library(library: str, name: str, **arguments: object) -> LibraryModel:
    return LibraryModel(library=library, name=name, arguments=arguments)


@pytest.mark.parametrize(
    ("name", "weights"),
    [("resnet18", "IMAGENET1K_V1"), ("fcn_resnet50", "COCO_WITH_VOC_LABELS_V1")],
)
def test_torchvisions_categories_are_those_of_its_weights(name: str, weights: str) -> None:
    from torchvision.models import get_model_weights

    found = published_labels(library("torchvision", name), TorchvisionWeights(name=weights))
    assert found == tuple(get_model_weights(name)[weights].meta["categories"])


def test_other_weights_say_nothing_of_torchvisions_models() -> None:
    assert published_labels(library("torchvision", "resnet18"), FILE) is None
    unknown = TorchvisionWeights(name="NO_SUCH")
    assert published_labels(library("torchvision", "resnet18"), unknown) is None


def test_timms_labels_are_those_that_torchvision_has_too() -> None:
    pytest.importorskip("timm")
    ours = published_labels(library("timm", "resnet18"), FILE)
    theirs = published_labels(
        library("torchvision", "resnet18"), TorchvisionWeights(name="IMAGENET1K_V1")
    )
    assert ours is not None
    assert theirs is not None
    pairs = zip(ours, theirs, strict=True)
    assert sum(one.casefold() != other.casefold() for one, other in pairs) < 5


@pytest.mark.parametrize("arguments", [{"num_classes": 3}, {"num_classes": 0}])
def test_another_head_has_none_of_the_labels(arguments: dict[str, object]) -> None:
    pytest.importorskip("timm")
    assert published_labels(library("timm", "resnet18", **arguments), FILE) is None


def test_a_network_without_ready_weights_has_none() -> None:
    assert published_labels(library("timm", "resnet18"), None) is None


def test_labels_that_occur_twice_get_their_numbers() -> None:
    assert distinct(["crane", "ox", "crane"]) == ("crane (0)", "ox", "crane (2)")
    assert distinct(["__background__", "ox"]) == ("background", "ox")
