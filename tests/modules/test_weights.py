from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import AlexNet_Weights
from torchvision.models._api import WeightsEnum

from legonet.building.execution.caches import filled
from legonet.diagnostics import Diagnostic, DiagnosticError
from legonet.language.declarations import Network
from legonet.language.models import LibraryModel
from legonet.language.weights import HubWeights, Loading, TorchvisionWeights, WeightsFile
from legonet.modules.digest import state_digest
from legonet.modules.models import instantiate
from legonet.modules.small import SmallVgg, small_fcn, small_vgg
from legonet.modules.weights import check_weights, inherit, load_weights

MODEL = SmallVgg(classes=2)
ALEXNET = LibraryModel(library="torchvision", name="alexnet")
MNASNET = LibraryModel(library="torchvision", name="mnasnet0_5")


def declared(weights: Any, model: Any = MODEL, **fields: Any) -> Network:
    """Return a declaration of a network with ready weights."""
    return Network(model=model, weights=weights, **fields)


def of_file(file: Path, **loading: Any) -> Network:
    """Return one with the weights of a file, and how they are loaded."""
    return declared(WeightsFile(file=file), loading=Loading(**loading))


def diagnostic(error: pytest.ExceptionInfo[DiagnosticError]) -> Diagnostic:
    (only,) = error.value.diagnostics
    return only


def test_weights_of_a_file_arrive_bit_for_bit(tmp_path: Path) -> None:
    source, network = small_vgg(2), small_vgg(2)
    save_file(source.state_dict(), tmp_path / "a.safetensors")
    check_weights(network, of_file(tmp_path / "a.safetensors"))
    load_weights(network, of_file(tmp_path / "a.safetensors"))
    assert state_digest(network) == state_digest(source)


def test_all_tensors_that_do_not_fit_are_listed_at_once(tmp_path: Path) -> None:
    state = small_vgg(2).state_dict()
    state["features.0.wieght"] = state.pop("features.0.weight")
    state["classifier.3.bias"] = torch.zeros(7)
    save_file(state, tmp_path / "a.safetensors")
    network = small_vgg(2)
    before = state_digest(network)
    with pytest.raises(DiagnosticError) as raised:
        load_weights(network, of_file(tmp_path / "a.safetensors"))
    found = diagnostic(raised)
    assert found.code == "LEGO505"
    assert "1 tensors missing, 1 not expected, 1 of another shape" in found.message
    assert "`classifier.3.bias`: expected (2,), found (7,)" in found.help
    assert any("`features.0.weight` is missing" in line and "wieght" in line for line in found.help)
    assert state_digest(network) == before
    with torch.device("meta"):
        shapes_only = small_vgg(2)
    with pytest.raises(DiagnosticError) as raised:
        check_weights(shapes_only, of_file(tmp_path / "a.safetensors"))
    assert diagnostic(raised) == found


def test_weights_that_fit_up_to_the_last_layer_lead_to_except(tmp_path: Path) -> None:
    save_file(small_vgg(10).state_dict(), tmp_path / "a.safetensors")
    with pytest.raises(DiagnosticError) as raised:
        check_weights(small_vgg(2), of_file(tmp_path / "a.safetensors"))
    assert '`loading { except: ["classifier.3.*"] }` and train' in diagnostic(raised).help[-1]


def test_the_header_is_enough_to_check(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_file(small_vgg(2).state_dict(), file)
    raw = file.read_bytes()
    length = 8 + int.from_bytes(raw[:8], "little")
    file.write_bytes(raw[:length] + b"\xff" * (len(raw) - length))
    check_weights(small_vgg(2), of_file(file))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 a pickle", b"\xff" * 64])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "a.safetensors"
    if content is not None:
        file.write_bytes(content)
    for call in (
        lambda: load_weights(small_vgg(2), of_file(file)),
        lambda: check_weights(small_vgg(2), of_file(file)),
    ):
        with pytest.raises(DiagnosticError) as raised:
            call()
        assert diagnostic(raised).code == "LEGO504"
        assert str(file) in diagnostic(raised).message
        assert "\n" not in diagnostic(raised).message


def test_torchvision_weights_come_by_their_name(monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Linear(2, 2)
    state = {"weight": torch.ones(2, 2), "bias": torch.ones(2)}
    asked = []

    def give(self: WeightsEnum, **named: object) -> dict[str, torch.Tensor]:
        asked.append(self)
        return state

    monkeypatch.setattr(WeightsEnum, "get_state_dict", give)
    load_weights(network, declared(TorchvisionWeights(name="IMAGENET1K_V1"), ALEXNET))
    assert asked == [AlexNet_Weights.IMAGENET1K_V1]
    assert state_digest(network) == state_digest(state)


def test_unknown_torchvision_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DiagnosticError) as raised:
        load_weights(nn.Linear(2, 2), declared(TorchvisionWeights(name="IMAGENET1K_V3"), ALEXNET))
    assert diagnostic(raised).code == "LEGO507"
    assert "`IMAGENET1K_V1`" in diagnostic(raised).help[0]
    with pytest.raises(DiagnosticError) as raised:
        load_weights(small_vgg(2), declared(TorchvisionWeights(name="IMAGENET1K_V1"), MODEL))
    assert diagnostic(raised).code == "LEGO507"


def test_a_download_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: WeightsEnum, **named: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(WeightsEnum, "get_state_dict", fail)
    with pytest.raises(DiagnosticError) as raised:
        load_weights(nn.Linear(2, 2), declared(TorchvisionWeights(name="IMAGENET1K_V1"), ALEXNET))
    assert diagnostic(raised).code == "LEGO508"
    assert "no route to host" in diagnostic(raised).message


def test_weights_of_the_hub_are_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, network = small_vgg(2), small_vgg(2)
    save_file(source.state_dict(), tmp_path / "m.safetensors")
    asked = []

    def download(repository: str, file: str, *, revision: str) -> str:
        asked.append((repository, file, revision))
        return str(tmp_path / file)

    monkeypatch.setitem(sys.modules, "huggingface_hub", SimpleNamespace(hf_hub_download=download))
    weights = HubWeights(repository="org/name", revision="abc", file="m.safetensors")
    load_weights(network, declared(weights))
    assert asked == [("org/name", "m.safetensors", "abc")]
    assert state_digest(network) == state_digest(source)


def test_the_hub_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DiagnosticError) as raised:
        load_weights(small_vgg(2), declared(HubWeights(repository="org/name", revision="abc")))
    assert diagnostic(raised).code == "LEGO503"
    assert diagnostic(raised).help == ("pip install 'legonet[hub]'",)


def test_a_network_inherits_what_fits_and_keeps_the_rest() -> None:
    ancestor, network = small_vgg(10), small_vgg(1)
    own_head = network.get_submodule("classifier.3").weight.clone()
    copied = inherit(network, ancestor.state_dict())
    assert [name for name in network.state_dict() if name not in copied] == [
        "classifier.3.weight",
        "classifier.3.bias",
    ]
    for name in copied:
        assert torch.equal(network.state_dict()[name], ancestor.state_dict()[name])
    assert torch.equal(network.get_submodule("classifier.3").weight, own_head)
    with torch.no_grad():
        ancestor.get_parameter("features.0.weight").zero_()
    assert network.get_parameter("features.0.weight").any()


def test_a_segmenter_inherits_a_classifier_s_features() -> None:
    copied = inherit(small_fcn(1), small_vgg(10).state_dict())
    features = {name for name in copied if name.startswith("features.")}
    assert len(features) == 12


def test_inheriting_nothing_is_an_error() -> None:
    with pytest.raises(DiagnosticError) as raised:
        inherit(nn.Linear(2, 2), {"weight": torch.zeros(3, 2)})
    assert diagnostic(raised).code == "LEGO506"
    assert "`weight`" in diagnostic(raised).help[0]


def test_a_network_that_asks_for_the_version_of_its_layers_takes_weights(tmp_path: Path) -> None:
    """Torchvision's MNASNet refuses tensors of an unknown version."""
    source = instantiate(MNASNET, seed=1)
    save_file(source.state_dict(), tmp_path / "m.safetensors")
    network = instantiate(MNASNET, seed=2)
    load_weights(network, declared(WeightsFile(file=tmp_path / "m.safetensors"), MNASNET))
    assert state_digest(network) == state_digest(source)
    found = filled(MNASNET, source.state_dict())
    assert state_digest(found) == state_digest(source)
