"""Networks with inputs of their own are joined, answer, and are exported as they were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from kit.specs import build_of, plan_of, write_spec
from safetensors.torch import save_file

from legonet import TransplantNetwork, open_bundle
from legonet.building import Report, Store
from legonet.building.execution.caches import filled
from legonet.cli.main import application
from legonet.data import to_tensor
from legonet.language.inputs import Input
from legonet.modules.cut import bottom
from legonet.modules.models import instantiate
from legonet.modules.small import SmallVgg

SPEC = """
let cut = "features.4"
data digits { source: digits() }
network usual {
  model: legonet.small_vgg(classes: 1, channels: 1)
  weights: "usual.safetensors"
}
network other {
  model: legonet.small_vgg(classes: 1, channels: 1)
  weights: "other.safetensors"
  input { mean: [10, 20, 30], std: [50, 60, 70], channels: bgr, range: 255 }
  train { data: digits, category: "1", epochs: 1, batch_size: 512 }
}
network grown {
  model: legonet.small_vgg(classes: 1, channels: 1)
  init: other
}
category one { from: other, until: cut }
task classify { from: usual, after: cut }
adapter one -> classify { method: stitching(), data: digits, unlabelled: 20 }
path read_one = one -> classify
"""

OTHER = Input(mean=(10.0, 20.0, 30.0), std=(50.0, 60.0, 70.0), channels="bgr", range=255)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    folder = tmp_path_factory.mktemp("inputs")
    for seed, name in enumerate(("usual", "other")):
        model = SmallVgg(classes=1, channels=1)
        save_file(instantiate(model, seed=seed).state_dict(), folder / f"{name}.safetensors")
    spec = write_spec(folder, SPEC)
    return spec, build_of(spec)


def images() -> Any:
    return np.random.default_rng(1).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)


def by_hand(pictures: Any) -> torch.Tensor:
    values = (pictures[..., ::-1].astype(np.float64) - OTHER.mean) / OTHER.std
    return torch.from_numpy(np.ascontiguousarray(values.transpose(0, 3, 1, 2))).float()


pytestmark = pytest.mark.xdist_group("inputs of networks")


def test_certificates_say_what_each_network_expects(built: tuple[Path, Report]) -> None:
    found = {
        item.step.name: item.artifact.certificate.get("input")
        for item in built[1].networks
        if item.artifact is not None
    }
    said = OTHER.model_dump(mode="json")
    assert found == {"usual": None, "other": said, "grown": said}


def test_inspect_shows_them(built: tuple[Path, Report]) -> None:
    told = CliRunner().invoke(application, ["inspect", str(built[0])])
    said = "mean 10 20 30, std 50 60 70, channels bgr, range 255"
    assert f"input of other: {said}\ninput of grown: {said}\n" in told.stdout
    assert "input of usual" not in told.stdout


def test_a_route_sees_what_its_network_was_trained_on(built: tuple[Path, Report]) -> None:
    network = TransplantNetwork.open(built[0])
    (other,) = (item.artifact for item in built[1].networks if item.step.name == "other")
    store = Store(built[0].parent / ".legonet")
    plain = filled(SmallVgg(classes=1, channels=1), store.tensors(other))
    features = bottom(plain, "features.4")(by_hand(images()))
    _, *rest = network.route("one", "classify").children()
    for module in rest:
        features = module(features)
    answer = network(to_tensor(images()), category="one", task="classify")
    assert torch.allclose(answer, features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt2", ".onnx"])
def test_an_export_answers_the_same(
    built: tuple[Path, Report], suffix: str, tmp_path: Path
) -> None:
    if suffix == ".onnx":
        pytest.importorskip("onnxscript")
    network = TransplantNetwork.open(built[0])
    network.export("read_one", tmp_path / f"one{suffix}")
    if suffix == ".safetensors":
        pictures = to_tensor(images())
        opened = open_bundle(tmp_path / "one.safetensors")
        assert torch.equal(opened(pictures), network.path("read_one")(pictures))


def test_another_input_rebuilds_what_it_concerns_and_the_default_is_in_no_key(
    built: tuple[Path, Report],
) -> None:
    changed = plan_of(built[0], "other.input.range=1")
    names = {step.name for step in changed.to_build}
    assert names == {"other", "grown", "one -> classify"}
    assert "input" not in changed.network("usual").inputs
    assert changed.network("other").reasons == ("input.range: 255 -> 1",)
