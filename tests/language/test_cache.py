"""A large spec is read once, and read again as soon as anything that it depends on has changed."""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
from pathlib import Path

import pytest

import legonet
from legonet.language import Loaded, Override, cache, load_spec
from legonet.syntax.cache_folder import VARIABLE

SPEC = """\
import "common.lego" as common
let cut = "features.4"
data digits { source: digits() }
data pictures { source: manifest("pictures") }
for name in ["1", "2"] {
  network n${name} {
    model: legonet.small_vgg(classes: 1)
    init: common.base
    train { data: digits, category: name, frozen: cut, learning_rate: 3e-3 }
  }
  category c${name} { from: n${name}, until: cut }
}
network v { model: torchvision.vgg16(num_classes: 1), weights: "v.safetensors" }
task t { from: n1, after: cut }
adapter c1 -> t
adapter c2 -> t { layers: [conv(1), conv(3)], method: back_distillation(init: solve), samples: 3 }
path p = c2 -> t
"""
COMMON = """\
data more { source: cifar10("cifar") }
network base { model: legonet.small_vgg(classes: 10), train { data: more } }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec in a folder of its own, and a limit at which every spec is a large one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "SMALLEST", 0)
    # Other tests, which run beside these, write into the folders of tests.
    tests = Path(__file__).parents[1]
    packages = [place for place in sys.path if not Path(place).is_relative_to(tests)]
    monkeypatch.setattr(sys, "path", packages)
    (tmp_path / "spec.lego").write_text(SPEC)
    (tmp_path / "common.lego").write_text(COMMON)
    return tmp_path


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that were parsed, by their paths."""
    import legonet.language.expand as expansion

    parse, seen = expansion.parse, []

    def counted(source):
        seen.append(source.path)
        return parse(source)

    monkeypatch.setattr(expansion, "parse", counted)
    return seen


def load(*sets: str, path: str = "spec.lego") -> Loaded:
    return load_spec(Path(path), [Override.parse(text) for text in sets])


def entry(folder: Path) -> Path:
    (found,) = (folder / "cache" / "specs").iterdir()
    return found


def test_an_unchanged_spec_is_not_parsed_again_and_is_the_same(parses: list[str]) -> None:
    first = load()
    assert parses == ["spec.lego", "common.lego"]
    again = load()
    assert parses == ["spec.lego", "common.lego"]
    assert not again.diagnostics
    assert again.spec == first.spec
    assert again.spec.whole
    assert again.spec.origins == first.spec.origins


@pytest.mark.parametrize("file", ["spec.lego", "common.lego"])
def test_a_changed_text_is_read_again(file: str, folder: Path, parses: list[str]) -> None:
    load()
    status = (folder / file).stat()
    text = (folder / file).read_text().replace("model", "# a comment\n  model", 1)
    (folder / file).write_text(text)
    os.utime(folder / file, ns=(status.st_atime_ns, status.st_mtime_ns))
    load()
    assert len(parses) == 4


def test_an_import_that_leads_elsewhere_is_followed(folder: Path, parses: list[str]) -> None:
    (folder / "other.lego").write_text(COMMON.replace("10)", "11)"))
    link = folder / "link.lego"
    link.symlink_to("common.lego")
    (folder / "spec.lego").write_text(SPEC.replace("common.lego", "link.lego"))
    load()
    link.unlink()
    link.symlink_to("other.lego")
    assert load().spec.networks["common.base"].model.classes == 11


def test_other_values_are_other_specs(parses: list[str]) -> None:
    load()
    assert load("cut=features.2").spec.tasks["t"].after == "features.2"
    assert load().spec.tasks["t"].after == "features.4"


def test_a_mistake_is_told_each_time(folder: Path) -> None:
    (folder / "spec.lego").write_text(SPEC + "nothing\n")
    assert [item.code for item in load().diagnostics] == ["LEGO201"]
    assert [item.code for item in load().diagnostics] == ["LEGO201"]
    assert not (folder / "cache" / "specs").exists()


def test_a_missing_import_is_told(folder: Path) -> None:
    load()
    (folder / "common.lego").unlink()
    assert "LEGO101" in [item.code for item in load().diagnostics]


def test_another_folder_shows_other_paths(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load()
    (folder / "inside").mkdir()
    monkeypatch.chdir(folder / "inside")
    spec = load(path="../spec.lego").spec
    assert spec.origins["network", "v"].span.source.path == "../spec.lego"
    assert spec.networks["v"].weights.file == folder / "v.safetensors"


def test_new_code_reads_anew(monkeypatch: pytest.MonkeyPatch, parses: list[str]) -> None:
    load()
    monkeypatch.setattr("sys.version", "next")
    load()
    assert len(parses) == 4


def test_another_package_reads_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parses: list[str]
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.setattr("sys.path", [*sys.path, str(packages)])
    load()
    os.utime(packages, ns=(0, 0))
    (packages / "plugin-1.0.dist-info").mkdir()
    load()
    assert len(parses) == 4


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_a_damaged_entry_costs_time_and_nothing_else(
    damage: bytes | None, folder: Path, parses: list[str]
) -> None:
    first = load()
    content = entry(folder).read_bytes()
    entry(folder).write_bytes(content[:-20] if damage is None else damage)
    assert load().spec == first.spec
    assert len(parses) == 4


class Hostile:
    def __reduce__(self):
        return os.mkdir, ("ran",)


@pytest.mark.parametrize("place", ["entry", "spec"])
def test_an_entry_runs_nothing(place: str, folder: Path, parses: list[str]) -> None:
    first = load()
    content = entry(folder).read_bytes()[32:]
    circumstances, links, texts, _ = pickle.loads(content)
    spec = Hostile() if place == "entry" else pickle.dumps(Hostile())
    content = pickle.dumps((circumstances, links, texts, spec))
    entry(folder).write_bytes(hashlib.sha256(content).digest() + content)
    assert load().spec == first.spec
    assert not (folder / "ran").exists()
    assert len(parses) == 4


def test_a_cache_that_cannot_be_written_is_no_mistake(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(folder / "file" / "cache"))
    assert not load().diagnostics


def test_an_empty_variable_turns_it_off(
    folder: Path, monkeypatch: pytest.MonkeyPatch, parses: list[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    load()
    load()
    assert len(parses) == 4


def test_small_specs_are_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SMALLEST", 100_000)
    load()
    assert not (folder / "cache" / "specs").exists()


def test_a_change_of_any_code_that_reads_specs_is_noticed() -> None:
    own = Path(legonet.__file__).parent
    digested = set(cache._own_code())
    assert {own / "language" / "reader.py", own / "syntax" / "parse.py"} < digested
    assert {own / "data" / "sources" / "digits.py", own / "modules" / "small.py"} < digested
