"""One output of several, of networks that return dicts, tuples and objects."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from kit.specs import broken, build_of, plan_of, write_spec
from torch import nn

import legonet
from legonet.building.planning.cuts import network_cuts
from legonet.building.planning.shapes import check_shapes
from legonet.diagnostics import DiagnosticError
from legonet.language.models import MODELS, LibraryModel, ModelForm
from legonet.modules.cut import bottom, top
from legonet.modules.models import instantiate
from legonet.network import TransplantNetwork
from legonet.network.export import open_bundle

Pair = namedtuple("Pair", ["score", "features"])


@dataclass
class Answer:
    score: torch.Tensor
    features: torch.Tensor


class Plain:
    def __init__(self, score: torch.Tensor, features: torch.Tensor) -> None:
        self.score = score
        self.features = features


class Several(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.head = nn.Linear(4, 1)

    def forward(self, pictures: torch.Tensor) -> Any:
        features = self.stem(pictures)
        score = self.head(features.mean((2, 3)))
        kinds = {"tuple": tuple, "list": list, "pair": Pair._make}
        if self.kind in kinds:
            return kinds[self.kind]((score, features))
        if self.kind == "dict":
            return {"score": score, "features": features}
        return (Answer if self.kind == "dataclass" else Plain)(score, features)


class SeveralModel(ModelForm):
    call = "odd.several"
    goal = "classification"
    kind: str

    def build(self) -> nn.Module:
        return Several(self.kind)


@pytest.fixture(autouse=True)
def installed() -> Any:
    place = f"{__name__}:SeveralModel"
    with (
        patch.dict(MODELS._own, {"odd.several": place}),
        patch(
            "legonet.registry.imported",
            side_effect=lambda asked, own=legonet.registry.imported: (
                SeveralModel if asked == place else own(asked)
            ),
        ),
    ):
        yield


def seen(network: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return network(torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        *(("tuple", output) for output in (0, -2)),
        ("list", 0),
        ("pair", "score"),
        ("pair", 0),
        ("dict", "score"),
        ("dataclass", "score"),
        ("object", "score"),
    ],
)
def test_an_output_is_chosen_by_key_attribute_or_position(kind: str, output: str | int) -> None:
    model = SeveralModel(kind=kind).answering(output)
    network = instantiate(model)
    whole = Several(kind).eval()
    whole.load_state_dict(network.state_dict())
    answer = seen(whole)
    expected = (
        answer[output] if kind in ("tuple", "list", "dict") else getattr(answer, "score")  # noqa: B009
    )
    assert torch.equal(seen(network), expected)
    # The same answer, bit for bit, when it is cut.
    halves = nn.Sequential(bottom(network, "stem"), top(network, "stem"))
    assert torch.equal(seen(halves), expected)
    assert [cut.point.name for cut in network_cuts(model, 64)] == ["stem.0", "stem"]


@pytest.mark.parametrize("path", ["backbone.layer3", "backbone.layer1.0"])
def test_an_auxiliary_answer_of_torchvision_is_cut_and_answers(path: str) -> None:
    arguments = {"num_classes": 3, "aux_loss": True}
    model = LibraryModel(library="torchvision", name="fcn_resnet50", arguments=arguments)
    usual, other = instantiate(model, seed=3), instantiate(model.answering("aux"), seed=3)
    pictures = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        whole = super(type(other), other).forward(pictures)
        assert torch.equal(usual(pictures), whole["out"])
        assert torch.equal(other(pictures), whole["aux"])
        found = top(other, path)(bottom(other, path)(pictures))
    assert torch.equal(found, whole["aux"])


def test_a_list_of_timm_is_chosen_by_position() -> None:
    timm = pytest.importorskip("timm")
    arguments = {"features_only": True, "pretrained": False}
    model = LibraryModel(library="timm", name="resnet18", arguments={"features_only": True})
    network = instantiate(model.answering(1), seed=2)
    torch.manual_seed(2)
    own = timm.create_model("resnet18", **arguments).eval()
    assert torch.equal(seen(network), seen(own)[1])


SPEC = """
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: odd.several("KIND")
    OUTPUT
    train { data: digits, category: digit, epochs: 1, batch_size: 512 }
  }
  category digit_${digit} { from: net_${digit}, until: "stem" }
}
"""


def mistakes(folder: Path, kind: str, output: str = "") -> list[legonet.Diagnostic]:
    spec = write_spec(folder, SPEC.replace("KIND", kind).replace("OUTPUT", output))
    return check_shapes(legonet.load(spec))


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("tuple", ("0", "1")),
        ("pair", ('"score"', '"features"')),
        ("dict", ('"score"', '"features"')),
        ("dataclass", ('"score"', '"features"')),
        ("object", ('"score"', '"features"')),
    ],
)
def test_where_one_is_needed_the_names_are_listed(
    kind: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    found = mistakes(tmp_path, kind)
    assert {item.code for item in found} == {"LEGO520"}
    for name in names:
        assert f"`output: {name}`" in found[0].help[0]
        assert f"`{name}`" in found[0].message
    with pytest.raises(DiagnosticError) as caught:
        network_cuts(SeveralModel(kind=kind), 64)
    assert any("output" in line for line in caught.value.diagnostics[0].help)


@pytest.mark.parametrize(
    ("kind", "output", "known"),
    [
        ("dict", '"logits"', '`"score"`, `"features"`'),
        ("dict", "0", '`"score"`, `"features"`'),
        ("tuple", "2", "`0`, `1`"),
        ("tuple", '"score"', "`0`, `1`"),
        ("object", '"logits"', '`"score"`, `"features"`'),
    ],
)
def test_an_output_that_is_not_there_is_a_mistake(
    kind: str, output: str, known: str, tmp_path: Path
) -> None:
    found = mistakes(tmp_path, kind, f"output: {output}")
    assert {item.code for item in found} == {"LEGO520"}
    assert f"it has no output `{output}`, but {known}" in found[0].message


def test_a_network_of_one_tensor_has_no_outputs_to_choose_from(tmp_path: Path) -> None:
    text = 'network one { model: torchvision.vgg11(), weights: "n.pt", output: "logits" }\n'
    graph = legonet.load(write_spec(tmp_path, text))
    with pytest.raises(DiagnosticError, match="but one tensor alone"):
        network_cuts(graph.model("one"), 64)


@pytest.mark.parametrize("value", ["true", "1.5", '["a"]', "f()"])
def test_a_wrong_value_is_one_mistake(value: str, tmp_path: Path) -> None:
    text = f'network one {{ model: torchvision.vgg11(), weights: "n.pt", output: {value} }}\n'
    with pytest.raises(DiagnosticError) as caught:
        legonet.load(write_spec(tmp_path, text))
    assert [item.code for item in caught.value.diagnostics] == ["LEGO206"]


def test_the_output_is_part_of_the_key_only_where_it_is_said(tmp_path: Path) -> None:
    keys = set()
    for output in ("", 'output: "out"', 'output: "aux"'):
        text = f"""
data digits {{ source: digits(), size: 32 }}
network one {{
  model: torchvision.fcn_resnet50(num_classes: 1, aux_loss: true)
  train {{ data: digits, category: "1", goal: segmentation }}
  {output}
}}
"""
        step = plan_of(write_spec(tmp_path, text)).networks[0]
        assert ("output" in step.inputs) == bool(output)
        keys.add(step.key)
    assert len(keys) == 3


def test_what_is_built_answers_and_is_exported_with_its_output(tmp_path: Path) -> None:
    text = f"""{SPEC.replace("KIND", "dict").replace("OUTPUT", 'output: "score"')}
task classify {{ from: net_3, after: "stem" }}
adapter digit_1 -> classify {{
  method: back_distillation(init: solve, steps: 2)
  samples: 4
}}
path read = digit_1 -> classify
"""
    spec = write_spec(tmp_path, text)
    assert not broken(build_of(spec))
    network = TransplantNetwork.open(spec)
    own = seen(network.path("read"))
    assert own.shape == (2, 1)
    for name in ("read.safetensors", "read.pt2"):
        network.export("read", tmp_path / name)
    assert torch.equal(seen(open_bundle(tmp_path / "read.safetensors")), own)
