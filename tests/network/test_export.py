"""What is exported answers as the network does, wherever it is opened."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoint
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from kit.disk import small_disk
from kit.exported import build_exported
from torch import Tensor, nn

import legonet
from legonet.diagnostics import DiagnosticError
from legonet.network import TransplantNetwork
from legonet.network.export import FORMATS, Application, Export, bundle, export, onnx_model, program
from legonet.registry import Registry

pytestmark = pytest.mark.xdist_group("export")

BATCHES = (1, 2, 7)
ENDINGS = (".pt2", ".onnx", ".safetensors")
COMPUTED = ("read_one", "find_three", "read_deeply")
"""Paths that are also exported as programs and in ONNX, which takes a while."""

Exported = Callable[[str, str], Export]

IN_A_FRESH_PROCESS = """
import sys
sys.modules["legonet"] = None  # so that its import fails
import torch
folder, *paths = sys.argv[1:]
asked = torch.load(f"{folder}/asked.pt")
answers = {}
for path in paths:
    application = torch.export.load(f"{folder}/{path}.pt2").module()
    answers[path] = [application(pictures) for pictures in asked]
torch.save(answers, f"{folder}/answers.pt")
"""


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> TransplantNetwork:
    return TransplantNetwork.open(build_exported(tmp_path_factory.mktemp("exported")))


@pytest.fixture(scope="module")
def exported(network: TransplantNetwork, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Gives a path in a format, exported once for all tests."""
    folder = tmp_path_factory.mktemp("files")

    @cache
    def made(path: str, ending: str) -> Export:
        return export(network, folder / f"{path}{ending}", path=path)

    return made


def pictures_of(count: int, height: int = 16, width: int = 16) -> Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(count))


def answer_of(network: TransplantNetwork, path: str, pictures: Tensor) -> Tensor:
    with torch.no_grad():
        answer: Tensor = network.path(path)(pictures)
    return answer


def session_of(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def code_of(caught: pytest.ExceptionInfo[DiagnosticError]) -> str:
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code


def test_a_program_answers_with_the_same_bits_in_a_process_without_legonet(
    network: TransplantNetwork, exported: Exported
) -> None:
    (folder,) = {exported(path, ".pt2").files[0].parent for path in COMPUTED}
    asked = [pictures_of(count) for count in BATCHES]
    torch.save(asked, folder / "asked.pt")
    command = [sys.executable, "-c", IN_A_FRESH_PROCESS, str(folder), *COMPUTED]
    subprocess.run(command, check=True, cwd=folder)
    answers = torch.load(folder / "answers.pt")
    for path, (place, pictures) in product(COMPUTED, enumerate(asked)):
        assert torch.equal(answers[path][place], answer_of(network, path, pictures)), path


@pytest.mark.parametrize("path", COMPUTED)
def test_onnxruntime_answers_alike(
    network: TransplantNetwork, exported: Exported, path: str
) -> None:
    session = session_of(exported(path, ".onnx").files[0])
    for count in BATCHES:
        pictures = pictures_of(count)
        (logits,) = session.run(["logits"], {"pictures": pictures.numpy()})
        np.testing.assert_allclose(logits, answer_of(network, path, pictures), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("path", [*COMPUTED, "read_any"])
def test_a_bundle_answers_with_the_same_bits(
    network: TransplantNetwork, exported: Exported, path: str
) -> None:
    tensors, text = exported(path, ".safetensors").files
    for file in (tensors, str(text)):
        application = bundle.open_bundle(file)
        assert not application.training
        assert not any(parameter.requires_grad for parameter in application.parameters())
        for count in BATCHES:
            pictures = pictures_of(count)
            assert torch.equal(application(pictures), answer_of(network, path, pictures))


def test_every_file_says_what_goes_in_and_what_comes_out(
    exported: Exported,
) -> None:
    about = exported("read_one", ".pt2").description
    extra = {"legonet.json": ""}
    torch.export.load(exported("read_one", ".pt2").files[0], extra_files=extra)
    assert json.loads(extra["legonet.json"]) == about
    text = json.loads(exported("read_one", ".safetensors").files[1].read_text())
    assert text["application"] == about
    properties = onnx.load(exported("read_one", ".onnx").files[0]).metadata_props
    found = {item.key: item.value for item in properties}
    texts = ("name", "category", "task", "legonet", "torch")
    assert {name: found[name] for name in texts} == {name: about[name] for name in texts}
    others = found.keys() - set(texts)
    assert {name: json.loads(found[name]) for name in others} == {
        name: about[name] for name in others
    }
    assert found.keys() == about.keys()


def test_a_description_knows_sizes_labels_and_goals(exported: Exported) -> None:
    about = exported("read_one", ".onnx").description
    assert (about["category"], about["task"], about["size"]) == ("digit_1", "classify", 16)
    assert about["input"]["shape"] == ["batch", 3, 16, 16]
    assert about["output"]["labels"] == ["digit_1"]
    assert about["input"]["channels"] == "RGB"
    any_digit = exported("read_any", ".safetensors").description["output"]
    assert any_digit["labels"] == list("0123456789")
    assert any_digit["goal"] == "classification"
    ink = exported("find_three", ".safetensors").description["output"]
    assert ink["goal"] == "segmentation"
    assert ink["shape"] == ["batch", 1, 16, 16]


def test_the_digest_of_the_adapter_is_that_of_inspect(
    network: TransplantNetwork, exported: Exported
) -> None:
    about = exported("read_one", ".onnx").description
    adapter = network.route("digit_1", "classify")[1]
    assert about["sha256"]["adapter"] == legonet.modules.digest.state_digest(adapter)


def test_an_onnx_model_names_its_sides_and_states_its_opset(
    exported: Exported,
) -> None:
    model = onnx.load(exported("find_three", ".onnx").files[0])
    (taken,), (given,) = model.graph.input, model.graph.output
    assert (taken.name, given.name) == ("pictures", "logits")
    for side, channels in ((taken, 3), (given, 1)):
        sizes = side.type.tensor_type.shape.dim
        assert sizes[0].dim_param == "batch"
        assert [size.dim_value for size in sizes[1:]] == [channels, 16, 16]
    assert [(item.domain, item.version) for item in model.opset_import] == [("", onnx_model.OPSET)]


def test_files_know_nothing_of_this_computer(exported: Exported) -> None:
    places = (Path(torch.__file__).parent, Path(legonet.__file__).parent)
    for ending in ENDINGS:
        for file in exported("read_one", ending).files:
            contents = file.read_bytes()
            assert not [place for place in places if str(place).encode() in contents]


@pytest.mark.parametrize("ending", [".pt2", ".safetensors"])
def test_the_same_export_is_the_same_bytes(
    network: TransplantNetwork, exported: Exported, tmp_path: Path, ending: str
) -> None:
    again = export(network, tmp_path / f"again{ending}", path="read_one").files
    for one, other in zip(exported("read_one", ending).files, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("path", "ending"), [("find_three", ".pt2"), ("find_three", ".onnx"), ("read_one", ".pt2")]
)
def test_a_dynamic_size_takes_other_sizes(
    network: TransplantNetwork, tmp_path: Path, path: str, ending: str
) -> None:
    file = tmp_path / f"any_size{ending}"
    written = export(network, file, path=path, dynamic_size=True)
    assert written.description["input"]["shape"] == ["batch", 3, "height", "width"]
    for count, height, width in ((1, 16, 16), (3, 24, 40), (2, 64, 16)):
        pictures = pictures_of(count, height, width)
        if ending == ".pt2":
            found = torch.export.load(file).module()(pictures)
        else:
            (logits,) = session_of(file).run(None, {"pictures": pictures.numpy()})
            found = torch.from_numpy(logits)
        assert torch.allclose(found, answer_of(network, path, pictures), atol=1e-4, rtol=1e-4)


def test_without_it_other_sizes_are_refused(exported: Exported) -> None:
    pictures = pictures_of(1, 24, 24)
    with pytest.raises(AssertionError, match="Guard failed"):
        torch.export.load(exported("find_three", ".pt2").files[0]).module()(pictures)
    with pytest.raises(Exception, match="invalid dimensions"):
        session_of(exported("find_three", ".onnx").files[0]).run(
            None, {"pictures": pictures.numpy()}
        )


def test_a_dynamic_size_that_answers_otherwise_is_an_error_and_no_file(
    network: TransplantNetwork, tmp_path: Path
) -> None:
    # Torch's converter takes an adaptive pooling's windows from the example.
    with pytest.raises(DiagnosticError) as caught:
        export(network, tmp_path / "any_size.onnx", path="read_one", dynamic_size=True)
    assert code_of(caught) == "LEGO765"
    assert "2x3x32x16" in caught.value.diagnostics[0].message
    assert not list(tmp_path.iterdir())


def altered(application: Application) -> Application:
    """Return an application with one weight a little off, which describes itself faithfully."""
    parts = dict(application.named_children())
    state = {name: tensor.clone() for name, tensor in parts["task"].state_dict().items()}
    next(reversed(state.values())).add_(0.01)
    about = application.description
    other = Application(parts, about).to("cpu")
    other.get_submodule("task").load_state_dict(state, assign=True)
    digest = legonet.modules.digest.state_digest(other.get_submodule("task"))
    other.description = {**about, "sha256": {**about["sha256"], "task": digest}}
    return other


@pytest.mark.parametrize("name", ["program", "onnx", "bundle"])
def test_what_answers_otherwise_is_an_error_and_no_file(
    network: TransplantNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind = FORMATS.get(name)
    right = kind.encode
    monkeypatch.setattr(kind, "encode", lambda self, given, edge: right(self, altered(given), edge))
    ending = kind.suffix
    file = tmp_path / f"wrong{ending}"
    file.write_text("what stood here before")
    with pytest.raises(DiagnosticError) as caught:
        export(network, file, path="read_one")
    assert code_of(caught) == "LEGO764"
    assert "off by up to 0.01" in caught.value.diagnostics[0].message
    assert {item.name: item.read_text() for item in tmp_path.iterdir()} == {
        file.name: "what stood here before"
    }


def test_an_edge_without_a_path_is_named_by_category_and_task(
    network: TransplantNetwork, tmp_path: Path
) -> None:
    written = export(network, tmp_path / "edge.pt2", category="digit_1", task="classify")
    assert written.description["name"] is None
    assert written.description["task"] == "classify"
    for named in ({}, {"category": "digit_1"}, {"path": "read_one", "task": "classify"}):
        with pytest.raises(ValueError, match="a path, or a category and a task"):
            export(network, tmp_path / "edge.pt2", **named)


@pytest.mark.parametrize(
    ("name", "named", "code", "advice"),
    [
        ("one.pt2", {"path": "read_on"}, "LEGO708", "`read_one`"),
        ("one.pt", {"path": "read_one"}, "LEGO760", "`one.onnx`"),
        ("one", {"path": "read_one"}, "LEGO760", "`one.onnx`"),
        ("one.bin", {"path": "read_one", "format": "bundle"}, "LEGO760", "`one.safetensors`"),
        ("one.bin", {"path": "read_one", "format": "onx"}, "LEGO760", "`onnx`"),
        ("folder/one.pt2", {"path": "read_one"}, "LEGO762", "make the folder"),
        ("taken.pt2", {"path": "read_one"}, "LEGO762", "name a file in it"),
        ("config.safetensors", {"path": "read_one"}, "LEGO767", "another name"),
    ],
)
def test_wrong_requests_say_what_to_do(
    network: TransplantNetwork,
    tmp_path: Path,
    name: str,
    named: dict[str, Any],
    code: str,
    advice: str,
) -> None:
    (tmp_path / "taken.pt2").mkdir()
    (tmp_path / "config.json").write_text('{"mine": true}')
    with pytest.raises(DiagnosticError) as caught:
        export(network, tmp_path / name, **named)
    assert code_of(caught) == code
    assert any(advice in line for line in caught.value.diagnostics[0].help)
    assert {item.name for item in tmp_path.iterdir()} == {"taken.pt2", "config.json"}


def test_what_is_not_built_says_so(network: TransplantNetwork, tmp_path: Path) -> None:
    origin = network.graph.spec.origins["path", "read_one"].span.source.path
    empty = TransplantNetwork.open(origin, store=tmp_path / "empty")
    with pytest.raises(DiagnosticError) as caught:
        export(empty, tmp_path / "one.pt2", path="read_one")
    assert caught.value.diagnostics[0].code == "LEGO709"


def test_a_format_may_be_said_instead_of_the_ending(
    network: TransplantNetwork, tmp_path: Path
) -> None:
    written = export(network, tmp_path / "one.bin", path="find_three", format="program")
    assert written.format == "program"
    assert torch.export.load(tmp_path / "one.bin")


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_a_missing_package_names_the_extra(
    network: TransplantNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DiagnosticError) as caught:
        export(network, tmp_path / "one.onnx", path="read_one")
    assert code_of(caught) == "LEGO761"
    assert "pip install 'legonet[export]'" in caught.value.diagnostics[0].help
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_the_same_is_written_and_nothing_compared(
    network: TransplantNetwork,
    exported: Exported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Before onnxruntime is taken away: it may be the first test that asks for this file.
    compared = exported("read_one", ".onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    written = export(network, tmp_path / "one.onnx", path="read_one")
    assert written.difference is None
    assert compared.difference is not None
    assert written.files[0].read_bytes() == compared.files[0].read_bytes()


def test_what_is_too_large_for_onnx_says_so(
    network: TransplantNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_model, "LARGEST", 1000)
    with pytest.raises(DiagnosticError) as caught:
        export(network, tmp_path / "one.onnx", path="read_one")
    assert code_of(caught) == "LEGO763"


def test_a_format_of_another_package_is_one_like_ours(
    network: TransplantNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "plugin")
    importlib.invalidate_caches()
    written = network.export("read_one", tmp_path / "one.npz")
    assert (written.format, written.difference) == ("numpy", None)
    with np.load(tmp_path / "one.npz") as archive:
        about = json.loads(str(archive["about"]))
        assert about["edge"] == "digit_1 -> classify"
        weights = {name: archive[name] for name in archive.files if name != "about"}
    for name, tensor in network.path("read_one").to("cpu").state_dict().items():
        assert name.partition(".")[2]
        assert any(np.array_equal(tensor.numpy(), found) for found in weights.values())
    with pytest.raises(DiagnosticError) as caught:
        network.export("read_one", tmp_path / "one.bin")
    assert ".npz" in str(caught.value.diagnostics[0].message)


def test_a_broken_package_spoils_its_own_format_alone(
    network: TransplantNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = EntryPoint("broken", "no_such_package:Format", FORMATS.group)
    monkeypatch.setattr(Registry, "_others", {"broken": broken})
    assert network.export("read_one", tmp_path / "one.safetensors").format == "bundle"
    with pytest.raises(DiagnosticError, match="`broken` cannot be used") as caught:
        network.export("read_one", tmp_path / "one.bin", format="broken")
    assert code_of(caught) == "LEGO760"


class Deciding(nn.Module):
    """A task module that decides by the values that it sees."""

    def forward(self, features: Tensor) -> Tensor:
        return features.mean((2, 3)) if features.sum() > 0 else features.amax((2, 3))


class ForTwo(nn.Module):
    """A task module that fixes the number of pictures."""

    def forward(self, features: Tensor) -> Tensor:
        return features.reshape(2, -1)


@pytest.mark.parametrize("task_module", [Deciding(), ForTwo()])
def test_what_torch_cannot_write_down_says_so(task_module: nn.Module) -> None:
    parts = {"category": nn.Conv2d(3, 1, 3), "task": task_module}
    about = {"category": "cat", "task": "odd", "size": 8, "input": {"shape": ["batch", 3, 8, 8]}}
    with pytest.raises(DiagnosticError) as caught:
        program.trace(Application(parts, about))
    assert code_of(caught) == "LEGO763"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Any]:
    with small_disk(tmp_path / "disk", "size=2m") as mounted:
        yield mounted


def test_a_full_disk_leaves_what_stood_there(network: TransplantNetwork, disk: Any) -> None:
    export(network, disk.folder / "one.safetensors", path="find_three")
    before = {file.name: file.read_bytes() for file in disk.folder.iterdir()}
    for name in ("one.safetensors", "one.pt2"):
        with pytest.raises(DiagnosticError) as caught:
            export(network, disk.folder / name, path="read_one")
        assert code_of(caught) == "LEGO762"
        assert "No space left on device" in caught.value.diagnostics[0].message
        assert {file.name: file.read_bytes() for file in disk.folder.iterdir()} == before
    disk.remount("ro")
    with pytest.raises(DiagnosticError) as caught:
        export(network, disk.folder / "two.pt2", path="read_one")
    assert "Read-only file system" in caught.value.diagnostics[0].message
