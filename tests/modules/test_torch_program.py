"""Programs of torch.export as networks, against the networks that were exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from kit.specs import broken, build_of, plan_of, write_spec
from torch import nn

import legonet
from legonet.building.planning.shapes import check_shapes
from legonet.diagnostics import DiagnosticError
from legonet.modules.cut import bottom, top
from legonet.modules.cut_points import cut_points
from legonet.modules.models import instantiate
from legonet.modules.programs import network_in
from legonet.network import TransplantNetwork

BATCH = torch.export.Dim("batch", max=4096)


class Branching(nn.Module):
    """In-place layers, a branch, a batch norm and a number that no state dict holds."""

    def __init__(self, classes: int = 1) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(True))
        self.branch = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(4, classes)
        self.register_buffer("scale", torch.tensor(2.0), persistent=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        features = self.stem(pictures)
        branch = self.branch(features)
        branch += features
        found = self.relu(branch) * self.scale
        return self.head(self.drop(found.mean((2, 3))))


def exported(network: nn.Module, file: Path, size: int = 16, **settings: Any) -> nn.Module:
    """Export a network, and return it."""
    torch.manual_seed(0)
    settings.setdefault("dynamic_shapes", ({0: BATCH},))
    program = torch.export.export(network, (torch.rand(2, 3, size, size),), **settings)
    torch.export.save(program, file)
    return network


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("programs") / "net.pt2"
    exported(Branching().eval(), file)
    return file


def spec_of(file: Path, folder: Path, text: str = "", trusted: bool = True) -> Path:
    spec = write_spec(folder, f'network net {{ model: torch.program("{file}") }}\n{text}')
    if trusted:
        listed = f'[tool.legonet]\ntrust = ["{file}"]\n'
        (folder / "pyproject.toml").write_text(listed)
    return spec


def code_and_message(file: Path) -> tuple[str, str]:
    with pytest.raises(DiagnosticError) as caught:
        network_in(file)
    found = caught.value.diagnostics[0]
    return found.code, " ".join([found.message, *found.help])


@pytest.mark.parametrize("count", [1, 3])
def test_it_answers_as_the_network_that_was_exported_and_cuts_alike(
    count: int, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    own = exported(Branching().eval(), tmp_path / "net.pt2")
    found = network_in(tmp_path / "net.pt2")
    pictures = torch.rand(count, 3, 16, 16)
    with torch.no_grad():
        expected = own(pictures)
        assert torch.equal(found(pictures), expected)
        names = [point.name for point in cut_points(found, pictures)]
        assert set(names) >= {"stem.0", "stem.1", "stem", "relu"}
        for name in names:
            features = bottom(found, name)(pictures)
            before = features.clone()
            assert torch.equal(top(found, name)(features), expected)
            assert torch.equal(features, before)
    state = own.state_dict()
    assert all(torch.equal(tensor, state[name]) for name, tensor in found.state_dict().items())
    assert {name for name, _ in own.named_parameters()} <= found.state_dict().keys()


def test_the_blocks_of_a_vision_transformer_can_be_cut(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    shape = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}
    own = timm.create_model("vit_tiny_patch16_224", num_classes=3, **shape).eval()
    exported(own, tmp_path / "vit.pt2", size=32)
    found = network_in(tmp_path / "vit.pt2")
    pictures = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        for name in ("blocks.0", "norm"):
            assert torch.equal(top(found, name)(bottom(found, name)(pictures)), own(pictures))


def test_a_change_that_others_see_stays_a_change(tmp_path: Path) -> None:
    class Viewed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            features = self.conv(pictures)
            flat = features.flatten(1)
            flat.relu_()
            return features.mean((2, 3))

    own = exported(Viewed().eval(), tmp_path / "viewed.pt2")
    pictures = torch.randn(3, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(network_in(tmp_path / "viewed.pt2")(pictures), own(pictures))


def test_it_is_opened_only_with_trust(file: Path, tmp_path: Path) -> None:
    spec = spec_of(file, tmp_path, trusted=False)
    assert [item.code for item in check_shapes(legonet.load(spec))] == ["LEGO514"]
    key = plan_of(spec).networks[0].key
    assert check_shapes(legonet.load(spec, trust=[file])) == []
    assert plan_of(spec_of(file, tmp_path)).networks[0].key == key


def test_it_has_its_weights_and_another_program_another_key(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pt2"
    copy.write_bytes(file.read_bytes())
    spec = spec_of(copy, tmp_path)
    model = legonet.load(spec).model("net")
    assert torch.equal(instantiate(model, seed=5).head.weight, network_in(file).head.weight)
    assert instantiate(model, device="meta").head.weight.is_meta
    key = plan_of(spec).networks[0].key
    torch.manual_seed(2)
    exported(Branching().eval(), copy)
    assert plan_of(spec).networks[0].key != key
    assert not torch.equal(instantiate(model).head.weight, network_in(file).head.weight)


def test_copies_share_nothing(file: Path) -> None:
    first, second = network_in(file), network_in(file)
    with torch.no_grad():
        first.head.weight.zero_()
    assert second.head.weight.any()


def test_a_program_of_one_batch_says_how_to_export_it(tmp_path: Path) -> None:
    exported(Branching().eval(), tmp_path / "fixed.pt2", dynamic_shapes=None)
    code, message = code_and_message(tmp_path / "fixed.pt2")
    assert code == "LEGO501"
    assert "takes exactly 2 pictures at once" in message
    assert "dynamic_shapes" in message


def test_a_program_in_training_is_refused(tmp_path: Path) -> None:
    exported(Branching().train(), tmp_path / "training.pt2")
    assert "was exported in training" in code_and_message(tmp_path / "training.pt2")[1]


def test_a_program_of_something_else_is_refused(tmp_path: Path) -> None:
    program = torch.export.export(nn.Linear(3, 1), (torch.rand(2, 3),))
    torch.export.save(program, tmp_path / "linear.pt2")
    assert "its inputs are 2x3" in code_and_message(tmp_path / "linear.pt2")[1]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"nonsense" * 100])
def test_a_damaged_file_is_refused_without_a_word_from_torch(
    content: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.pt2").write_bytes(content)
    code, message = code_and_message(tmp_path / "broken.pt2")
    assert code == "LEGO501"
    assert f"torch {torch.__version__}" in message
    assert "".join(capfd.readouterr()) == ""


def test_a_file_that_is_cut_short_and_one_that_is_missing(file: Path, tmp_path: Path) -> None:
    (tmp_path / "short.pt2").write_bytes(file.read_bytes()[:-500])
    assert "cannot be opened" in code_and_message(tmp_path / "short.pt2")[1]
    assert "no such file" in code_and_message(tmp_path / "none.pt2")[1]


def test_pictures_of_another_size_are_refused_by_name(file: Path, tmp_path: Path) -> None:
    text = """
data digits { source: digits(), size: 32 }
category one { from: net, until: "stem", labels: ["1"] }
task tell { from: net, after: "stem" }
adapter one -> tell { data: digits, unlabelled: 4 }
"""
    found = check_shapes(legonet.load(spec_of(file, tmp_path, text)))
    assert {item.code for item in found} <= {"LEGO520", "LEGO522"}
    assert any("exported for pictures of 16x16, found 32x32" in item.message for item in found)


def test_it_is_trained_joined_and_exported(file: Path, tmp_path: Path) -> None:
    learning = "method: output_distillation(steps: 3)\n  samples: 4"
    text = f"""
data digits {{ source: digits() }}
network one_net {{
  model: torch.program("{file}")
  train {{ data: digits, category: "1", epochs: 1, batch_size: 512 }}
}}
category one {{ from: one_net, until: "stem" }}
task tell {{ from: net, after: "relu" }}
adapter one -> tell {{
  {learning}
}}
path read = one -> tell
"""
    spec = spec_of(file, tmp_path, text)
    assert not broken(build_of(spec))
    network = TransplantNetwork.open(spec)
    pictures = torch.rand(3, 3, 16, 16)
    own = network.path("read")(pictures)
    network.export("read", tmp_path / "read.pt2")
    assert torch.allclose(torch.export.load(tmp_path / "read.pt2").module()(pictures), own)
    with pytest.raises(DiagnosticError, match="a bundle cannot hold"):
        network.export("read", tmp_path / "read.safetensors")


def test_a_second_start_is_a_mistake(file: Path, tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path,
        f"""
network net {{ model: torch.program("{file}") }}
network other {{ model: torch.program("{file}"), init: net }}
""",
    )
    with pytest.raises(DiagnosticError, match="two starting points"):
        legonet.load(spec)


def test_an_application_of_legonet_is_a_network_again(tmp_path: Path) -> None:
    own = torchvision.models.squeezenet1_1(num_classes=2).eval()
    exported(own, tmp_path / "net.pt2", size=64)
    found = network_in(tmp_path / "net.pt2")
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(
            top(found, "features.4")(bottom(found, "features.4")(pictures)), own(pictures)
        )
