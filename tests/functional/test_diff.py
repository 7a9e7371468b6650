"""``legonet diff``: two specs, or two builds of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kit import stores
from kit.commands import document, legonet
from kit.specs import large_spec, write_spec
from kit.stores import pretend


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three builds of a spec: as it is, with a better adapter, and with one category more."""
    folder = tmp_path_factory.mktemp("diff")
    figures = stores.METRICS
    with pytest.MonkeyPatch.context() as patch:
        for name, text, error in (
            ("a", large_spec(2, 2), 0.10),
            ("b", large_spec(2, 2).replace("samples: 4", "samples: 8"), 0.05),
            ("c", large_spec(3, 2), 0.10),
        ):
            (folder / name).mkdir()
            patch.setattr(stores, "METRICS", {**figures, "error_rate": error})
            pretend(write_spec(folder / name, text, "spec.lego"))
    return folder


def edges(found: Any) -> dict[str, str]:
    return {" -> ".join(edge["name"]): edge["change"] for edge in found["edges"]}


def test_edges_became_better_or_worse(built: Path) -> None:
    found = document(legonet(built, "diff", "a/spec.lego", "b/spec.lego", "--json"))
    assert set(edges(found).values()) == {"better"}
    assert found["edges"][0]["metrics_before"]["error_rate"] == 0.1
    assert found["edges"][0]["metrics"]["error_rate"] == 0.05
    assert found["edges"][0]["fields"] == ["samples"]
    back = legonet(built, "diff", "b/spec.lego", "a/spec.lego")
    assert "▼ edge c0 -> t0: worse: error 5.0 % → 10.0 %\n    samples\n" in back.stdout
    assert "4 edges: 4 worse\n" in back.stdout


def test_edges_came_and_went(built: Path) -> None:
    found = document(legonet(built, "diff", "a/spec.lego", "c/spec.lego", "--json"))
    assert edges(found) == {
        "c0 -> t0": "unchanged",
        "c0 -> t1": "unchanged",
        "c1 -> t0": "unchanged",
        "c1 -> t1": "unchanged",
        "c2 -> t0": "added",
        "c2 -> t1": "added",
    }
    assert found["counts"]["edges"] == {"added": 2, "unchanged": 4}
    assert found["counts"]["networks"] == {"added": 1, "unchanged": 4}


def test_two_stores_of_one_spec(built: Path) -> None:
    finished = legonet(built, "diff", "a/spec.lego", "a/spec.lego", "--store-b", "nowhere")
    assert "4 edges: 4 unchanged" in finished.stdout
    assert finished.returncode == 0


@pytest.mark.parametrize("suffix", ["svg", "png", "dot"])
def test_it_is_drawn(built: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"diff.{suffix}"
    finished = legonet(built, "diff", "a/spec.lego", "c/spec.lego", "-o", str(file))
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.endswith(f"drawn: {file}\n")
    assert file.stat().st_size > 0


def test_pictures_that_are_not_there_leave_the_specs_to_compare(tmp_path: Path) -> None:
    for name, samples in (("a.lego", 4), ("b.lego", 8)):
        text = large_spec(1, 1).replace("samples: 4", f"samples: {samples}")
        write_spec(tmp_path, text.replace("digits()", 'folder("nowhere")'), name)
    finished = legonet(tmp_path, "diff", "a.lego", "b.lego")
    assert finished.returncode == 0
    assert "compared without what is built of a.lego" in finished.stderr
    assert "1 edge: 1 rebuilt" in finished.stdout


def test_a_spec_with_mistakes_is_refused(tmp_path: Path) -> None:
    write_spec(tmp_path, large_spec(1, 1), "a.lego")
    write_spec(tmp_path, "netwrk a {}", "b.lego")
    finished = legonet(tmp_path, "diff", "a.lego", "b.lego")
    assert finished.returncode == 1
    assert "b.lego:1:1" in finished.stderr
    assert "Traceback" not in finished.stderr
