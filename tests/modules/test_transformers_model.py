"""Models of transformers, saved and loaded in its own format, against transformers itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kit.specs import plan_of, write_spec
from kit.stores import pretend

from legonet.building.planning.cuts import network_cuts
from legonet.data import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.language.declarations import Network, Recipe
from legonet.language.models import Model
from legonet.language.weights import HubWeights, Loading, WeightsFile
from legonet.modules.cut import bottom, top
from legonet.modules.hub_files import hub_file_if_any
from legonet.modules.inputs import convert_input, input_of
from legonet.modules.models import instantiate
from legonet.modules.transformers_model import TransformersHubModel, TransformersModel
from legonet.modules.weights import check_weights, load_weights

transformers = pytest.importorskip("transformers")

KINDS: dict[str, Any] = {
    "resnet": lambda: transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=3
    ),
    "convnext": lambda: transformers.ConvNextConfig(
        hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, num_labels=3
    ),
    "vit": lambda: transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
        num_labels=3,
    ),
}
KINDS["deit"] = lambda: transformers.DeiTConfig(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=32,
    image_size=32,
    patch_size=8,
    num_labels=3,
)
KINDS["dinov2"] = lambda: transformers.Dinov2Config(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    image_size=32,
    patch_size=8,
    num_labels=3,
)
KINDS["swin"] = lambda: transformers.SwinConfig(
    embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4, image_size=32, num_labels=3
)
CLASSES = {"deit": "DeiTForImageClassification"}
"""Classes of kinds of which transformers has several."""

CUTS = {
    "resnet": "model.resnet.encoder.stages.0",
    "convnext": "model.convnext.encoder.stages.0",
}


def saved(kind: str, folder: Path, **processor: Any) -> Any:
    """Save a network with random weights, and return it."""
    torch.manual_seed(0)
    config = KINDS[kind]()
    config.id2label = {0: "cat", 1: "cow", 2: "dog"}
    if kind in CLASSES:
        network = getattr(transformers, CLASSES[kind])(config).eval()
    else:
        network = transformers.AutoModelForImageClassification.from_config(config).eval()
    network.save_pretrained(folder)
    if processor:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return network


def images() -> Any:
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def loaded(model: Model, folder: Path, **fields: Any) -> torch.nn.Module:
    declaration = Network(model=model, weights=WeightsFile(file=folder), **fields)
    network = instantiate(model)
    check_weights(instantiate(model, device="meta"), declaration)
    load_weights(network, declaration)
    return convert_input(network, input_of(declaration, network, None))


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_answers_as_transformers_does(kind: str, tmp_path: Path) -> None:
    own = saved(kind, tmp_path)
    model = TransformersModel(folder=tmp_path)
    with torch.no_grad():
        found = loaded(model, tmp_path)(to_tensor(images()))
        assert torch.allclose(found, own(to_tensor(images())).logits, atol=1e-5)
    assert model.labels == ("cat", "cow", "dog")
    assert model.outputs == 3


@pytest.mark.parametrize("kind", CUTS)
def test_it_can_be_cut(kind: str, tmp_path: Path) -> None:
    saved(kind, tmp_path)
    network, pictures = loaded(TransformersModel(folder=tmp_path), tmp_path), to_tensor(images())
    halves = bottom(network, CUTS[kind]), top(network, CUTS[kind])
    with torch.no_grad():
        assert torch.equal(halves[1](halves[0](pictures)), network(pictures))


@pytest.mark.parametrize(
    "processor",
    [
        {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4], "do_normalize": True},
        {"do_normalize": False, "do_rescale": True},
    ],
)
def test_it_sees_what_its_processor_makes_of_a_picture(
    processor: dict[str, Any], tmp_path: Path
) -> None:
    own = saved("resnet", tmp_path, **processor)
    values = images() / 255
    if processor["do_normalize"]:
        values = (values - processor["image_mean"]) / processor["image_std"]
    theirs = torch.from_numpy(values).permute(0, 3, 1, 2).float()
    network = loaded(TransformersModel(folder=tmp_path), tmp_path)
    with torch.no_grad():
        assert torch.allclose(network(to_tensor(images())), own(theirs).logits, atol=1e-4)


def test_a_vision_transformer_says_its_only_size(tmp_path: Path) -> None:
    saved("vit", tmp_path, image_mean=[0.5], image_std=[0.5], resample=3)
    found = TransformersModel(folder=tmp_path).own_input()
    assert found is not None
    assert (found.size, found.interpolation, found.mean) == (32, "bicubic", (0.5, 0.5, 0.5))
    network = loaded(TransformersModel(folder=tmp_path), tmp_path)
    with torch.no_grad():
        assert network(torch.randn(1, 3, 80, 80)).shape == (1, 3)


def test_another_number_of_classes_needs_a_new_head(tmp_path: Path) -> None:
    own = saved("resnet", tmp_path)
    model = TransformersModel(folder=tmp_path, classes=1)
    with pytest.raises(DiagnosticError) as raised:
        loaded(model, tmp_path)
    assert raised.value.diagnostics[0].code == "LEGO505"
    loading, recipe = Loading(excluded=("model.classifier.*",)), Recipe(data="pictures")
    network = loaded(model, tmp_path, loading=loading, train=recipe)
    first = "resnet.embedder.embedder.convolution.weight"
    assert torch.equal(network.get_parameter(f"model.{first}"), own.get_parameter(first))
    assert network(to_tensor(images())).shape == (2, 1)


def test_a_backbone_gives_its_features(tmp_path: Path) -> None:
    own = saved("resnet", tmp_path)
    network = instantiate(TransformersModel(folder=tmp_path, head="backbone"))
    network.get_submodule("model").load_state_dict(own.resnet.state_dict())
    with torch.no_grad():
        expected = own.resnet(to_tensor(images())).last_hidden_state
        assert torch.equal(network(to_tensor(images())), expected)


@pytest.mark.parametrize("config", [None, "{}", '{"model_type": "bert"}', "no json"])
def test_a_folder_of_something_else_is_told(config: str | None, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(DiagnosticError) as raised:
        instantiate(TransformersModel(folder=tmp_path))
    assert raised.value.diagnostics[0].code == "LEGO501"


def test_code_in_a_folder_is_never_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "mine.py").write_text(f"open({str(ran)!r}, 'w')")
    classes = {"AutoConfig": "mine.C", "AutoModelForImageClassification": "mine.M"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "x", "auto_map": classes}))
    with pytest.raises(DiagnosticError):
        instantiate(TransformersModel(folder=tmp_path))
    assert not ran.exists()


def test_a_changed_configuration_rebuilds_and_is_named(tmp_path: Path) -> None:
    saved("resnet", tmp_path / "model")
    text = """
network net { model: transformers.model("model"), weights: "model" }
category any { from: net, until: "model.resnet.encoder.stages.0" }
task tell { from: net, after: "model.resnet.encoder.stages.0" }
adapter any -> tell
"""
    spec = write_spec(tmp_path, text)
    pretend(spec)
    assert plan_of(spec).to_build == ()
    config = tmp_path / "model" / "config.json"
    config.write_text(config.read_text().replace('"relu"', '"gelu"'))
    (step,) = plan_of(spec).to_build
    assert step.reasons == ("model: other contents of config.json",)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("vit", ["model.vit.layers.0", "model.vit.layers.1"]),
        ("deit", ["model.deit.layers.0", "model.deit.layers.1"]),
        ("dinov2", ["model.dinov2.encoder.layer.0"]),
        ("swin", ["model.swin.encoder"]),
        ("convnext", ["model.convnext.encoder.stages.0"]),
    ],
)
def test_cuts_between_blocks_are_listed_and_are_cuts(
    kind: str, expected: list[str], tmp_path: Path
) -> None:
    saved(kind, tmp_path)
    model = TransformersModel(folder=tmp_path)
    names = [cut.point.name for cut in network_cuts(model, 32)]
    assert set(expected) <= set(names)
    network, pictures = instantiate(model), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        whole = network(pictures)
        for name in expected:
            assert torch.equal(top(network, name)(bottom(network, name)(pictures)), whole)


@pytest.mark.parametrize("kind", ["resnet", "swin", "dinov2"])
def test_one_tensor_crosses_a_cut_after_an_encoder_that_returns_an_object(
    kind: str, tmp_path: Path
) -> None:
    saved(kind, tmp_path)
    network, name = instantiate(TransformersModel(folder=tmp_path)), f"model.{kind}.encoder"
    pictures = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        features = bottom(network, name)(pictures)
        assert isinstance(features, torch.Tensor)
        assert len(features) == 3
        # Features of an adapter are a plain tensor, and all pictures keep their answers.
        assert torch.equal(top(network, name)(features.clone()), network(pictures))


@pytest.mark.parametrize("name", ["model.vit.layers.0", "model.vit.layernorm"])
def test_a_half_that_is_left_between_blocks_is_exported(name: str, tmp_path: Path) -> None:
    saved("vit", tmp_path)
    half = bottom(instantiate(TransformersModel(folder=tmp_path)), name)
    batch = ({0: torch.export.Dim("batch", max=4096)},)
    program = torch.export.export(half, (torch.rand(2, 3, 32, 32),), dynamic_shapes=batch)
    pictures = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(program.module()(pictures), half(pictures))


def test_a_folder_that_names_no_architecture_is_a_mistake(tmp_path: Path) -> None:
    saved("deit", tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["architectures"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(DiagnosticError, match="LEGO501"):
        instantiate(TransformersModel(folder=tmp_path))


COMMIT = "9f3c5a1" + "0" * 33


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, without a connection; returns where a snapshot belongs."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "is_offline_mode", lambda: True)
    hub_file_if_any.cache_clear()
    return tmp_path / "cache" / "models--zoo--dogs" / "snapshots" / COMMIT


@pytest.mark.parametrize("processor", [{}, {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2] * 3}])
def test_a_model_of_the_hub_is_its_folder(
    processor: dict[str, Any], hub_cache: Path, tmp_path: Path
) -> None:
    saved("resnet", hub_cache, **processor)
    if not processor:  # what the cache keeps of an answer that there is no such file
        absent = hub_cache.parents[1] / ".no_exist" / COMMIT
        absent.mkdir(parents=True)
        (absent / "preprocessor_config.json").touch()
    folder, model = TransformersModel(folder=hub_cache), hub_model()
    assert (model.labels, model.own_input()) == (folder.labels, folder.own_input())
    network = instantiate(model)
    load_weights(
        network,
        Network(model=model, weights=HubWeights(repository="zoo/dogs", revision=COMMIT)),
    )
    with torch.no_grad():
        own = transformers.AutoModelForImageClassification.from_pretrained(hub_cache)
        assert torch.equal(network(to_tensor(images())), own(to_tensor(images())).logits)


def test_a_spec_names_a_model_of_the_hub(hub_cache: Path, tmp_path: Path) -> None:
    text = f"""
network net {{
  model: transformers.hub("zoo/dogs", revision: "{COMMIT}")
  weights: hub("zoo/dogs", revision: "{COMMIT}")
}}
category any {{ from: net, until: "model.resnet.encoder.stages.0" }}
task tell {{ from: net, after: "model.resnet.encoder.stages.0" }}
adapter any -> tell
"""
    spec = write_spec(tmp_path, text)
    with pytest.raises(DiagnosticError) as raised:
        plan_of(spec)
    (found,) = raised.value.diagnostics
    assert found.code == "LEGO508"
    assert f"zoo/dogs/config.json at {COMMIT}" in found.message
    assert found.span is not None
    assert found.span.line == 3
    saved("resnet", hub_cache, image_mean=[0.5], image_std=[0.5])
    pretend(spec)
    assert plan_of(spec).to_build == ()


def hub_model() -> TransformersHubModel:
    return TransformersHubModel(repository="zoo/dogs", revision=COMMIT)
