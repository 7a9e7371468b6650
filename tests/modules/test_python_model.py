"""Networks whose class is in a plain file: what runs, what is trusted, and what counts."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from kit.specs import broken, build_of, plan_of, write_spec
from kit.stores import pretend

import legonet
from legonet.building.planning.cuts import network_cuts
from legonet.building.planning.shapes import check_shapes
from legonet.cli.main import application
from legonet.diagnostics import DiagnosticError
from legonet.modules import python_code
from legonet.modules.models import instantiate
from legonet.network import TransplantNetwork

NET = """
from pathlib import Path

import layers
from own_blocks.stem import stem
from torch import nn

Path(__file__).with_name("ran").touch()


class Net(nn.Module):
    def __init__(self, classes, channels=4):
        super().__init__()
        self.stem = stem(channels)
        self.block = layers.Block(channels)
        self.head = nn.Linear(channels, classes)

    def forward(self, pictures):
        return self.head(self.block(self.stem(pictures)).mean((2, 3)))


def small(classes):
    from layers import CHANNELS  # when it is called, not when the file is imported

    return Net(classes, CHANNELS)
"""
LAYERS = """
from torch import nn

CHANNELS = 3


class Block(nn.Sequential):
    def __init__(self, channels):
        super().__init__(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU())
"""
STEM = """
from torch import nn

from . import strides


def stem(channels):
    return nn.Conv2d(3, channels, 3, stride=strides.STRIDE)
"""
SPEC = """
data digits { source: digits() }
network three {
  model: python.model("code/net.py", Net(classes: 1))
  train { data: digits, category: "3", epochs: 1, batch_size: 256 }
}
network one {
  model: python.model("code/net.py", Net(classes: 1))
  train { data: digits, category: "1", epochs: 1, batch_size: 256 }
}
category one { from: one, until: "block" }
task classify { from: three, after: "block" }
adapter one -> classify {
  method: back_distillation(init: solve, steps: 2)
  samples: 4
}
path read = one -> classify
"""
READY = 'weights: "net.safetensors"'


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec with a network of its own in the folder ``code``."""
    write_code(tmp_path / "code")
    return write_spec(tmp_path, SPEC)


def write_code(folder: Path) -> None:
    (folder / "own_blocks").mkdir(parents=True)
    (folder / "net.py").write_text(NET)
    (folder / "layers.py").write_text(LAYERS)
    (folder / "own_blocks" / "stem.py").write_text(STEM)
    (folder / "own_blocks" / "strides.py").write_text("STRIDE = 2\n")
    (folder / "other.py").write_text("raise RuntimeError('nobody imports it')\n")


def trust(spec: Path, *files: str) -> None:
    listed = ", ".join(f'"{file}"' for file in files)
    (spec.parent / "pyproject.toml").write_text(f"[tool.legonet]\ntrust = [{listed}]\n")


def error_of(spec: Path, *trusted: str) -> legonet.Diagnostic:
    """Return the only mistake that the shapes of a spec have."""
    try:
        found = check_shapes(legonet.load(spec, trust=trusted))
    except DiagnosticError as error:
        found = list(error.diagnostics)
    (only,) = found
    return only


def one_network(folder: Path, code: str, network: str = "Net(classes: 1)") -> Path:
    """Write a spec of one network, which trusts its file."""
    (folder / "net.py").write_text(code)
    spec = write_spec(
        folder, f'network one {{ model: python.model("net.py", {network}), {READY} }}\n'
    )
    trust(spec, "net.py")
    return spec


def test_it_is_the_network_that_python_itself_makes(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(spec.parent / "code")
    place = importlib.util.spec_from_file_location("ordinary_net", spec.parent / "code" / "net.py")
    ordinary = importlib.util.module_from_spec(place)
    place.loader.exec_module(ordinary)
    for name in ("layers", "own_blocks.stem", "own_blocks.strides", "own_blocks"):
        sys.modules.pop(name)
    torch.manual_seed(7)
    expected = ordinary.Net(classes=1).eval()
    model = legonet.load(spec, trust=[spec.parent / "code" / "net.py"]).model("three")
    found = instantiate(model, seed=7)
    pictures = torch.rand(2, 3, 16, 16)
    assert found.state_dict().keys() == expected.state_dict().keys()
    assert torch.equal(found(pictures), expected(pictures))
    assert "layers" not in sys.modules


def test_nothing_runs_without_trust(spec: Path) -> None:
    graph = legonet.load(spec)
    key = plan_of(spec).networks[0].key
    assert {item.code for item in check_shapes(graph)} == {"LEGO514"}
    with pytest.raises(DiagnosticError, match="trust"):
        network_cuts(graph.model("three"), 16)
    assert all(item.diagnostics[0].code == "LEGO514" for item in build_of_untrusted(spec))
    assert not (spec.parent / "code" / "ran").exists()
    trust(spec, "code/net.py")
    assert check_shapes(legonet.load(spec)) == []
    assert (spec.parent / "code" / "ran").exists()
    # Trust decides whether something is built, and nothing of what is built.
    assert plan_of(spec).networks[0].key == key


def build_of_untrusted(spec: Path) -> list[Any]:
    with pytest.raises(DiagnosticError) as caught:
        build_of(spec)
    return [caught.value]


@pytest.mark.parametrize("way", ["absolute", "relative", "link", "project above", "code links"])
def test_trust_is_given_to_a_file_by_any_of_its_paths(
    way: str, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = spec.parent / "code" / "net.py"
    monkeypatch.chdir(spec.parent)
    trusted: list[str | Path] = []
    if way == "absolute":
        trusted = [file]
    elif way == "relative":
        trusted = ["code/../code/net.py"]
    elif way == "link":
        (spec.parent / "linked").symlink_to(spec.parent / "code")
        trusted = ["linked/net.py"]
    elif way == "project above":
        inner = spec.parent / "inner"
        inner.mkdir()
        text = SPEC.replace('"code/net.py"', '"../code/net.py"')
        trust(spec, "code/net.py")
        spec = write_spec(inner, text)
    else:
        (spec.parent / "net.py").symlink_to(file)
        trusted = ["net.py"]
    assert check_shapes(legonet.load(spec, trust=trusted)) == []


def test_the_nearest_project_decides(spec: Path) -> None:
    trust(spec, "code/net.py")
    inner = spec.parent / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[project]\nname = 'inner'\n")
    other = write_spec(inner, SPEC.replace('"code/net.py"', '"../code/net.py"'))
    assert {item.code for item in check_shapes(legonet.load(other))} == {"LEGO514"}


@pytest.mark.parametrize("text", ["[tool", "[tool.legonet]\ntrust = 'net.py'\n", "tool = 1\n"])
def test_a_project_that_cannot_be_read_is_named(text: str, spec: Path) -> None:
    (spec.parent / "pyproject.toml").write_text(text)
    assert error_of(spec).code == "LEGO516"
    (spec.parent / "pyproject.toml").write_bytes(b"\xff\xfe")
    assert error_of(spec).code == "LEGO516"


@pytest.mark.parametrize(
    "file", ["net.py", "layers.py", "own_blocks/stem.py", "own_blocks/strides.py"]
)
def test_a_change_of_any_file_that_runs_builds_again(file: str, spec: Path) -> None:
    trust(spec, "code/net.py")
    pretend(spec)
    (spec.parent / "code" / "other.py").write_text("# nothing imports it\n")
    assert not plan_of(spec).to_build
    with (spec.parent / "code" / file).open("a") as text:
        text.write("# new\n")
    step = plan_of(spec).networks[0]
    assert (step.action, step.reasons) == ("build", (f"model: other contents of {file}",))


def test_arguments_count_and_the_place_of_the_file_does_not(spec: Path) -> None:
    key = plan_of(spec).networks[0].key
    spec.write_text(SPEC.replace("Net(classes: 1)", "Net(classes: 1, channels: 5)"))
    assert plan_of(spec).networks[0].key != key
    (spec.parent / "code").rename(spec.parent / "moved")
    spec.write_text(SPEC.replace("code/net.py", "moved/net.py"))
    assert plan_of(spec).networks[0].key == key


def test_a_loaded_graph_keeps_the_code_that_it_was_loaded_with(spec: Path) -> None:
    trust(spec, "code/net.py")
    before = legonet.load(spec).model("three")
    with (spec.parent / "code" / "layers.py").open("a") as text:
        text.write("Block = nn.Identity\n")
    after = legonet.load(spec).model("three")
    assert "block.0.weight" in instantiate(before).state_dict()
    assert "block.0.weight" not in instantiate(after).state_dict()


def test_the_code_goes_to_where_the_file_is_not(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = pickle.dumps(legonet.load(spec, trust=[spec.parent / "code/net.py"]).model("three"))
    for file in (spec.parent / "code").rglob("*.py"):
        file.unlink()
    monkeypatch.setattr(python_code, "_known", {})
    for name in [name for name in sys.modules if name.startswith("legonet_code_")]:
        monkeypatch.delitem(sys.modules, name)
    assert instantiate(pickle.loads(sent))(torch.rand(1, 3, 16, 16)).shape == (1, 1)


def test_a_function_may_make_the_network(spec: Path) -> None:
    trust(spec, "code/net.py")
    spec.write_text(
        'network one { model: python.model("code/net.py", small(classes: 5)), weights: "n.pt" }\n'
    )
    network = instantiate(legonet.load(spec).model("one"))
    assert network.head.weight.shape == (5, 3)


@pytest.mark.parametrize(
    ("code", "network", "expected", "message"),
    [
        ("def f(:\n", "f()", "LEGO515", "line 1 of `net.py` is no Python"),
        ("\0", "f()", "LEGO515", "is no Python"),
        ("import nowhere\n", "f()", "LEGO515", "line 1 of `net.py` raises ModuleNotFoundError"),
        ("import sys\nsys.exit(3)\n", "f()", "LEGO515", "line 2 of `net.py` raises SystemExit"),
        ("from .. import f\n", "f()", "LEGO515", "imports from above its folder"),
        ("def f():\n    return 1 / 0\n", "f()", "LEGO515", "line 2 of `net.py` raises ZeroDiv"),
        ("def f():\n    return 1\n", "f()", "LEGO501", "found int"),
        ("def near():\n    pass\n", "neer()", "LEGO501", "has no `neer`"),
        ("f = 1\n", "f()", "LEGO501", "has no `f`"),
        ("def f(width):\n    pass\n", "f(widht: 1)", "LEGO501", "cannot be called like this"),
        ("from torch import nn\nf = lambda: nn.LazyLinear(3)\n", "f()", "LEGO501", "lazy layer"),
    ],
)
def test_broken_code_is_a_mistake_with_its_line(
    code: str, network: str, expected: str, message: str, tmp_path: Path
) -> None:
    found = error_of(one_network(tmp_path, code, network))
    assert found.code == expected
    assert message in f"{found.message} ({found.label})"
    assert found.span is not None
    assert found.span.source.path.endswith("small.lego")


def test_a_forward_pass_that_fails_is_shown_with_its_line(tmp_path: Path) -> None:
    code = """
from torch import nn


class Net(nn.Conv2d):
    def forward(self, pictures):
        return self.missing(pictures)
"""
    spec = one_network(tmp_path, code, "Net(in_channels: 3, out_channels: 1, kernel_size: 3)")
    learning = 'train { data: digits, category: "1" }'
    spec.write_text(
        f"data digits {{ source: digits() }}\n{spec.read_text()}".replace(READY, learning)
    )
    found = error_of(spec)
    assert (found.code, found.help[0]) == (
        "LEGO520",
        "line 7 of `net.py` is `return self.missing(pictures)`",
    )


def test_a_misspelled_network_and_argument_are_corrected(tmp_path: Path) -> None:
    spec = one_network(tmp_path, "def near(width):\n    pass\n", "neer(width: 1)")
    assert any("`near`" in line for line in error_of(spec).help)
    spec = one_network(tmp_path, "def near(width):\n    pass\n", "near(widht: 1)")
    assert any("`width`" in line for line in error_of(spec).help)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    spec = one_network(tmp_path, "")
    (tmp_path / "net.py").unlink()
    assert "`net.py` cannot be read" in error_of(spec).message
    with pytest.raises(DiagnosticError, match=r"`net\.py` cannot be read"):
        plan_of(spec)


@pytest.mark.parametrize("call", ["Net", '"Net"', "3", "[Net()]", "Net(1)"])
def test_what_is_called_is_a_call(call: str, tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path, f'network one {{ model: python.model("net.py", {call}), {READY} }}\n'
    )
    with pytest.raises(DiagnosticError) as caught:
        legonet.load(spec)
    assert {item.code for item in caught.value.diagnostics} <= {"LEGO206", "LEGO207"}


def test_an_edited_graph_is_written_back(spec: Path) -> None:
    trust(spec, "code/net.py")
    graph = legonet.load(spec)
    graph.change(
        "network", "one", model='python.model("code/net.py", Net(classes: 1, channels: 2))'
    )
    graph.save()
    assert 'python.model("code/net.py", Net(classes: 1, channels: 2))' in spec.read_text()
    assert check_shapes(legonet.load(spec)) == check_shapes(graph)
    assert instantiate(graph.model("one")).head.weight.shape == (1, 2)


def test_built_answered_and_exported(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust(spec, "code/net.py")
    assert not broken(build_of(spec))
    network = TransplantNetwork.open(spec)
    pictures = torch.rand(3, 3, 16, 16)
    own = network.path("read")(pictures)
    network.export("read", spec.parent / "read.pt2")
    opened = torch.export.load(spec.parent / "read.pt2").module()
    assert torch.allclose(opened(pictures), own, atol=1e-5)
    with pytest.raises(DiagnosticError, match=r"a bundle cannot hold `net\.py`"):
        network.export("read", spec.parent / "read.safetensors")
    (spec.parent / "pyproject.toml").unlink()
    with pytest.raises(DiagnosticError, match="you have not said that you trust it"):
        TransplantNetwork.open(spec).path("read")
    monkeypatch.chdir(spec.parent)
    told = CliRunner().invoke(application, ["cuts", str(spec), "one", "--trust", "code/net.py"])
    assert "block" in told.output
    assert told.exit_code == 0
