"""The specs that come with legonet are good examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import document, legonet

from legonet.graph import check_file, load
from legonet.render import draw

SPECS = sorted((Path(__file__).resolve().parents[2] / "specs").glob("*.lego"))
QUICKSTART, ANIMALS = (
    next(spec for spec in SPECS if spec.stem == name) for name in ("quickstart", "animals")
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_a_spec_has_no_mistakes_and_can_be_drawn(spec: Path, tmp_path: Path) -> None:
    _, diagnostics = check_file(spec)
    assert diagnostics == []
    graph = load(spec)
    for path in ((), *graph.spec.paths):
        draw(graph, tmp_path / "drawn.svg", path=path)
        assert "adapters" in (tmp_path / "drawn.svg").read_text()


def test_the_quickstart_is_what_it_is_said_to_be() -> None:
    spec = load(QUICKSTART).spec
    assert len(spec.networks) >= 5
    assert len(spec.tasks) == 2
    learned = [adapter.learning for adapter in spec.adapters.values() if adapter.learning]
    assert len(learned) >= 6
    assert any(learning.samples == 0 for learning in learned)
    assert len(spec.adapters) - len(learned) == 1
    assert len(spec.paths) == 1


def test_the_quickstart_builds_and_its_edges_come_near_their_teachers(tmp_path: Path) -> None:
    finished = legonet(tmp_path, "build", str(QUICKSTART), "--store", "store", "--json")
    assert finished.returncode == 0, finished.stderr
    for edge in document(finished)["edges"]:
        metrics = edge["metrics"]
        name = f"{edge['category']} -> {edge['task']}"
        if "error_rate" in metrics:
            assert metrics["teacher_error_rate"] <= 0.05, name
            assert metrics["error_rate"] <= metrics["teacher_error_rate"] + 0.05, name
        else:
            assert metrics["teacher_pixel_accuracy"] >= 0.9, name
            assert metrics["pixel_accuracy"] >= 0.85, name


@pytest.mark.photographs
def test_the_animals_fit_together(shared_data: Path, tmp_path: Path) -> None:
    finished = legonet(
        tmp_path, "check", str(ANIMALS), "--shapes", "--json", "--set", f"root={shared_data}"
    )
    found = document(finished)
    assert found["diagnostics"] == []
    assert len(found["edges"]) >= 10
    planned = legonet(
        tmp_path, "plan", str(ANIMALS), "--store", "s", "--json", "--set", f"root={shared_data}"
    )
    assert len(document(planned)["edges"]) == 10


def test_animals_without_their_pictures_say_what_is_missing(tmp_path: Path) -> None:
    finished = legonet(tmp_path, "build", str(ANIMALS), "--set", "root=nowhere")
    assert finished.returncode == 1
    assert "nowhere" in finished.stderr
    assert "Traceback" not in finished.stderr
