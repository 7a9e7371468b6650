"""A network is rebuilt when the code of another package's model changes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.specs import plan_of, write_spec
from kit.stores import pretend

from legonet.diagnostics import DiagnosticError

SPEC = """
data digits { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: apart.net(classes: 1)
    train { data: digits, category: digit, epochs: 1 }
  }
  category digit_${digit} { from: net_${digit}, until: "0" }
}
network own {
  model: legonet.small_vgg(classes: 1, channels: 1)
  train { data: digits, category: "3", epochs: 1 }
}
task classify { from: net_3, after: "0" }
adapter digit_1 -> classify { samples: 4 }
"""

MODEL = """
from legonet.language.models import ModelForm
from apart_model.layers import layers

class Net(ModelForm):
    call = "apart.net"
    goal = "classification"
    classes: int

    def build(self):
        return layers(self.classes)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with a model whose layers are in another file than its form."""
    folder = tmp_path / "installed" / "apart_model"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "layers.py").write_text("def layers(classes): ...\n")
    (folder / "form.py").write_text(MODEL)
    about = folder.parent / "apart_model-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: apart-model\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[legonet.models]\napart.net = apart_model.form:Net\n")
    monkeypatch.syspath_prepend(folder.parent)
    importlib.invalidate_caches()
    yield folder
    _forget()


def _forget() -> None:
    """Import the package anew when it is next needed, as another process would."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "apart_model"]:
        del sys.modules[name]
    importlib.invalidate_caches()


def reasons(spec: Path) -> dict[str, tuple[str, ...]]:
    return {step.name: step.reasons for step in plan_of(spec).to_build}


def test_a_changed_file_of_the_package_is_named_and_rebuilds(package: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    pretend(spec)
    assert reasons(spec) == {}
    (package / "layers.py").write_text("def layers(classes): return 'another network'\n")
    (package / "more.py").write_text("")
    _forget()
    changed = (
        "model: other contents of apart_model/layers.py",
        "model: new file apart_model/more.py",
    )
    found = reasons(spec)
    assert set(found) == {"net_1", "net_3", "digit_1 -> classify"}
    assert found["net_1"] == found["net_3"] == changed


def test_a_touched_file_rebuilds_nothing(package: Path, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    pretend(spec)
    (package / "layers.py").write_bytes((package / "layers.py").read_bytes())
    _forget()
    assert reasons(spec) == {}


def test_code_that_changes_under_a_running_process_is_refused(
    package: Path, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path, SPEC)
    plan_of(spec)
    (package / "layers.py").write_text("# other code than this process has loaded\n")
    with pytest.raises(DiagnosticError) as raised:
        plan_of(spec)
    found = raised.value.diagnostics[0]
    assert found.code == "LEGO712"
    assert "apart_model/layers.py" in found.message
    assert found.span is not None
    assert found.span.line == 5
