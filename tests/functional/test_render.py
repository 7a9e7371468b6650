"""``legonet render``, and `legonet.draw` in a program."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from kit.commands import legonet
from kit.specs import large_spec, plan_of, write_spec
from kit.stores import pretend

from legonet import draw, load
from legonet.render.diagram import Diagram, Places
from legonet.render.layout import check_complete, laid_out


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec of six edges that are built."""
    spec = write_spec(tmp_path_factory.mktemp("render"), large_spec(3, 2), "spec.lego")
    pretend(spec)
    return spec


def adapters(dot: str) -> list[str]:
    return re.findall(r'^ *"adapter ([^"]*)" \[label', dot, flags=re.MULTILINE)


def test_a_part_is_drawn_with_several_edges_in_red(built: Path) -> None:
    options = ("--only", "c[12]", "--path", "c1->t0", "--path", "c2 -> t1")
    finished = legonet(built.parent, "render", "spec.lego", "-o", "part.dot", *options)
    assert (finished.returncode, finished.stdout) == (0, "drawn: part.dot\n"), finished.stderr
    dot = (built.parent / "part.dot").read_text()
    assert adapters(dot) == ["c1 -> t0", "c1 -> t1", "c2 -> t0", "c2 -> t1"]
    assert dot.count(">c1 → t0<") == 1
    assert 'URL="spec.lego#L' in dot
    assert "error 10.0 %" in dot


def test_groups_and_links_as_one_likes(built: Path) -> None:
    options = ("--collapse", "2", "--links", "https://example.org/{relative}?plain=1#L{line}")
    finished = legonet(built.parent, "render", "spec.lego", "-o", "groups.dot", *options)
    assert finished.returncode == 0, finished.stderr
    dot = (built.parent / "groups.dot").read_text()
    assert adapters(dot) == ["c* -> t0", "c* -> t1"]
    assert 'URL="https://example.org/spec.lego?plain=1#L' in dot


def test_what_graphviz_cannot_draw_is_drawn_in_groups(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def few(diagram: Diagram) -> Places:
        if sum(len(column.boxes) for column in diagram.columns) > 6:
            check_complete(diagram, 6, 0)
        return laid_out(diagram)

    monkeypatch.setattr("legonet.render.drawing.laid_out", few)
    finished = legonet(built.parent, "render", "spec.lego", "-o", "few.svg")
    assert finished.returncode == 0, finished.stderr
    assert "drawn in groups: Graphviz has drawn 6 of" in finished.stderr
    assert ">c*<" in (built.parent / "few.svg").read_text()


def test_a_pattern_that_chooses_nothing_is_a_mistake(built: Path) -> None:
    finished = legonet(built.parent, "render", "spec.lego", "-o", "none.svg", "--only", "d*")
    assert finished.returncode == 1
    assert "LEGO807" in finished.stderr
    assert not (built.parent / "none.svg").exists()


def test_a_file_a_plan_and_a_network_give_the_same_picture(built: Path) -> None:
    plan = plan_of(built)
    network = SimpleNamespace(plan=plan)  # as a `TransplantNetwork` has one
    known = draw(plan).dot()
    assert draw(built).dot() == draw(str(built)).dot() == draw(network).dot() == known
    assert draw(load(built)).dot() != known


def test_a_picture_is_written_at_once(built: Path, tmp_path: Path) -> None:
    drawn = draw(built, tmp_path / "a.svg", path="c0 -> t0", only="c0")
    assert "spec.lego#L" in (tmp_path / "a.svg").read_text()
    assert adapters(drawn.dot()) == ["c0 -> t0", "c0 -> t1"]


def test_a_picture_goes_to_standard_output(built: Path) -> None:
    finished = legonet(built.parent, "render", "spec.lego", "-o", "-")
    assert (finished.returncode, finished.stderr) == (0, "")
    legonet(built.parent, "render", "spec.lego", "-o", "same.svg")
    assert finished.stdout == (built.parent / "same.svg").read_text()
    assert not (built.parent / "-").exists()


@pytest.mark.parametrize("name", ["shown.svg", "shown.html"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_picture_is_written_through_a_link(
    built: Path, tmp_path: Path, name: str, exists: bool
) -> None:
    if exists:
        (tmp_path / name).write_text("before")
    link = tmp_path / f"link{Path(name).suffix}"
    link.symlink_to(name)
    finished = legonet(built.parent, "render", "spec.lego", "-o", str(link))
    assert finished.returncode == 0, finished.stderr
    assert link.is_symlink()
    assert "<svg" in (tmp_path / name).read_text()
