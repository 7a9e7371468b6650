"""``legonet export``: one application as a file, or a word on why not."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from kit.commands import document, legonet
from kit.specs import TINY

pytestmark = pytest.mark.xdist_group("export command")

PATH = "path read_one = digit_1 -> classify\n"
STORE = ("--store", "kept")
EXPORT = ("export", "tiny.lego", "--path", "read_one", *STORE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("exporting")
    (found / "tiny.lego").write_text(TINY + PATH)
    assert legonet(found, "build", "tiny.lego", *STORE).returncode == 0
    return found


def test_a_bundle_is_written_and_described(folder: Path) -> None:
    finished = legonet(folder, *EXPORT, "-o", "one.safetensors")
    assert (finished.returncode, finished.stderr) == (0, "")
    first, *lines = finished.stdout.splitlines()
    assert first.startswith("exported: one.safetensors and one.json (a bundle, ")
    assert lines == [
        "pictures: batch x 3 x 16 x 16, float32, RGB",
        "logits: batch x 1, float32, classification of digit_1",
        "answers as digit_1 -> classify does; the largest difference is 0",
    ]
    assert (folder / "one.safetensors").exists()
    assert (folder / "one.json").exists()


def test_json_is_one_document(folder: Path) -> None:
    ends = ("--category", "digit_1", "--task", "classify")
    finished = legonet(folder, "export", "tiny.lego", *STORE, *ends, "-o", "edge.onnx", "--json")
    assert (finished.returncode, finished.stderr) == (0, "")
    found = document(finished)
    assert found["files"] == ["edge.onnx"]
    assert found["format"] == "onnx"
    assert found["bytes"] == (folder / "edge.onnx").stat().st_size
    assert 0 <= found["difference"] < 1e-4
    about = found["application"]
    assert (about["name"], about["category"], about["task"]) == (None, "digit_1", "classify")
    properties = onnx.load(folder / "edge.onnx").metadata_props
    assert {item.key for item in properties} == about.keys()


def test_what_is_not_built_with_these_settings_says_so(folder: Path) -> None:
    setting = ("--set", "digit_1->classify.samples=6")
    finished = legonet(folder, *EXPORT, "-o", "other.pt2", *setting, "--json")
    assert finished.returncode == 1
    (diagnostic,) = document(finished)["diagnostics"]
    assert diagnostic["code"] == "LEGO709"
    assert not (folder / "other.pt2").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--path", "reed_one", "-o", "x.pt2"), 1, "LEGO708"),
        (("--path", "read_one", "-o", "x.h5"), 1, "LEGO760"),
        (("--path", "read_one", "--device", "cuda:99", "-o", "x.pt2"), 1, "LEGO745"),
        (("--path", "read_one", "--task", "classify", "-o", "x.pt2"), 2, "--category and --task"),
        (("--category", "digit_1", "-o", "x.pt2"), 2, "--category and --task"),
    ],
)
def test_wrong_usage_is_told_in_words(
    folder: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    finished = legonet(folder, "export", "tiny.lego", *STORE, *arguments)
    assert finished.returncode == code
    assert says in finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""
    assert not list(folder.glob("x.*"))
