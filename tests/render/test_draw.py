from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pictures import picture
from PIL import Image

from legonet.diagnostics import CODES, Diagnostic, DiagnosticError
from legonet.graph import EdgeState, ModuleGraph
from legonet.language.declarations import Adapter, Category, Learning, Network, Task
from legonet.language.declarations import Path as Application
from legonet.language.spec import Spec
from legonet.modules.small import SmallVgg
from legonet.render import FORMATS, Picture, engines
from legonet.render.drawing import format_of, write_file
from legonet.render.engines import picture_of

SVG = "{http://www.w3.org/2000/svg}"
TITLE = "{http://www.w3.org/1999/xlink}title"
SMALL = "digraph { a -> b }"


@pytest.fixture(scope="module")
def drawn(animals: ModuleGraph, in_every_state: dict[tuple[str, str], EdgeState]) -> Picture:
    return picture(animals, in_every_state, path="pet_finder")


def draw(what: str | Picture, file: Path) -> None:
    """Draw a picture, or plain DOT as a picture's is drawn."""
    if isinstance(what, Picture):
        what.save(file)
        return
    suffix = format_of(file)
    write_file(file, what.encode() if suffix == ".dot" else picture_of(what, suffix))


def svg_of(what: str | Picture, folder: Path) -> ElementTree.Element:
    draw(what, folder / "graph.svg")
    return ElementTree.parse(folder / "graph.svg").getroot()


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def tooltips(svg: ElementTree.Element) -> list[str]:
    return [link.attrib[TITLE] for link in svg.iter(f"{SVG}a")]


def refusal(text: str, file: Path) -> Diagnostic:
    with pytest.raises(DiagnosticError) as caught:
        draw(text, file)
    (found,) = caught.value.diagnostics
    assert found.code in CODES
    assert found.help
    assert "\n" not in found.message
    return found


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program `dot` on the path, and nothing else."""
    file = folder / "dot"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


# formats


def test_svg_says_everything(drawn: Picture, tmp_path: Path) -> None:
    svg = svg_of(drawn, tmp_path)
    found = texts(svg)
    for text in ("cat", "small_vgg until features.4", "3 x 1x1", "direct"):
        assert text in found
    assert "●●○ error 8.5 %, teacher 6.0 %" in found
    assert found.count("pet_finder") == 1
    assert "path barn_watch = cow → classify" in found


def test_svg_tells_under_the_mouse_what_each_thing_is(drawn: Picture, tmp_path: Path) -> None:
    found = tooltips(svg_of(drawn, tmp_path))
    network = "specific network cat_net\nlegonet.small_vgg(classes: 1)\nstarts from base\n"
    assert any(text.startswith(network) for text in found)
    assert "category module cat\ncat_net until features.4" in found
    assert "task module classify: classification\ndog_net after features.4" in found
    assert any("back_distillation(steps: 150)" in text for text in found)


def test_svg_brings_its_own_paper_and_common_fonts(drawn: Picture, tmp_path: Path) -> None:
    svg = svg_of(drawn, tmp_path)
    background = next(svg.iter(f"{SVG}polygon"))
    assert background.attrib["fill"] == "#ffffff"
    fonts = {element.attrib["font-family"] for element in svg.iter(f"{SVG}text")}
    assert fonts == {"Helvetica,Arial,sans-serif"}


def test_png_shows_the_path_in_red(drawn: Picture, animals: ModuleGraph, tmp_path: Path) -> None:
    def red_pixels(what: Picture) -> int:
        draw(what, tmp_path / "graph.png")
        with Image.open(tmp_path / "graph.png") as picture:
            colors = picture.convert("RGB").getcolors(maxcolors=1 << 24) or []
        return sum(count for count, color in colors if color == (0xD1, 0x24, 0x2F))

    assert red_pixels(drawn) > 200
    assert red_pixels(picture(animals)) == 0


def test_png_is_sharp(tmp_path: Path) -> None:
    draw("digraph { a [shape=box, fixedsize=true, width=2, height=1] }", tmp_path / "graph.png")
    with Image.open(tmp_path / "graph.png") as picture:
        assert picture.width >= 2 * 144


def test_pdf_and_dot(drawn: Picture, tmp_path: Path) -> None:
    draw(drawn, tmp_path / "graph.pdf")
    assert (tmp_path / "graph.pdf").read_bytes().startswith(b"%PDF-")
    draw(drawn, tmp_path / "graph.dot")
    written = (tmp_path / "graph.dot").read_text(encoding="utf-8")
    assert re.sub(r', URL="[^"]*"', "", written) == drawn.dot()


@pytest.mark.parametrize("suffix", [*FORMATS, ".SVG"])
def test_every_format_is_written_and_nothing_beside_it(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"graph{suffix}"
    draw(SMALL, file)
    assert file.stat().st_size > 0
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_said_on_the_way(
    drawn: Picture, tmp_path: Path, capfd: pytest.CaptureFixture[str], only_bundled: None
) -> None:
    for suffix in FORMATS:
        draw(drawn, tmp_path / f"graph{suffix}")
    assert capfd.readouterr() == ("", "")


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys; import legonet.render;"
        "print([name for name in ('torch', 'graphviz', 'pygraphviz') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# names


def graph_of_names(names: list[str]) -> ModuleGraph:
    """Return a graph in which all things have these names."""
    learning = Learning(samples=3)
    return ModuleGraph(
        Spec(
            networks={name: Network(model=SmallVgg(classes=1)) for name in names},
            categories={name: Category(network=name, until=name) for name in names},
            tasks={name: Task(network=name, after=name) for name in names},
            adapters={
                (name, name): Adapter(category=name, task=name, learning=learning) for name in names
            },
            paths={name: Application(category=name, task=name) for name in names},
        )
    )


language = st.from_regex(
    r"[A-Za-z_][A-Za-z0-9_]{0,11}(\.[A-Za-z_][A-Za-z0-9_]{0,5}){0,2}", fullmatch=True
)
keywords = st.sampled_from(
    ["node", "edge", "graph", "digraph", "subgraph", "strict", "lane", "a_b", "a.b", "_", "N", "G"]
)
SIGNS = ['"', "\\", "\\N", "a\\", "&", "&amp;", "<b>", "</b>", "a -> b", "]", "}", "'", "%s"]
hostile = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=8,
)


@given(names=st.lists(language | keywords | hostile, min_size=1, max_size=12, unique=True))
@example(names=SIGNS)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_name_is_shown_as_it_is(names: list[str], tmp_path: Path) -> None:
    svg = svg_of(picture(graph_of_names(names), path=[(names[0], names[0])]), tmp_path)
    shown = texts(svg)
    under_the_mouse = tooltips(svg)
    for name in names:
        assert name in shown
        assert f"small_vgg until {name}" in shown
        assert f"category module {name}\n{name} until {name}" in under_the_mouse
    nodes = [group for group in svg.iter(f"{SVG}g") if group.get("class") == "node"]
    headings = 5
    assert len(nodes) == 5 * len(names) + headings


def test_characters_that_xml_forbids_do_not_break_the_file(tmp_path: Path) -> None:
    name = "bell\x07 and \ufffe"
    assert "bell\ufffd and \ufffd" in texts(svg_of(picture(graph_of_names([name])), tmp_path))


# what can go wrong


@pytest.mark.parametrize("name", ["graph.jpg", "graph", ".svg", "graph.svg.gz"])
def test_another_suffix_is_refused(name: str, tmp_path: Path) -> None:
    found = refusal(SMALL, tmp_path / name)
    assert found.code == "LEGO801"
    assert ".svg, .png, .pdf, .dot" in found.message
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    found = refusal(SMALL, tmp_path / "no" / "graph.dot")
    assert found.code == "LEGO803"
    assert str(tmp_path / "no") in found.help[0]


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refusal(SMALL, tmp_path / "file" / "graph.dot").code == "LEGO803"
    (tmp_path / "folder.dot").mkdir()
    assert refusal(SMALL, tmp_path / "folder.dot").code == "LEGO803"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder.dot"]


def test_a_full_disk_leaves_the_old_picture_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = tmp_path / "graph.dot"
    file.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    found = refusal(SMALL, file)
    assert found.code == "LEGO803"
    assert "no space left" in found.message
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is open stays where it is")
def test_nobody_reads_half_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "graph.dot"
    file.write_text("old")
    with file.open() as reader:
        draw(SMALL, file)
        assert reader.read() == "old"
    assert file.read_text() == SMALL


def test_a_read_only_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(handle: int) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "fsync", denied)
    found = refusal(SMALL, tmp_path / "graph.dot")
    assert found.code == "LEGO803"
    assert "permission denied" in found.message


def test_a_picture_gets_the_usual_permissions(tmp_path: Path) -> None:
    draw(SMALL, tmp_path / "graph.dot")
    (tmp_path / "other").touch()
    assert (tmp_path / "graph.dot").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_no_graphviz_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only_bundled: None
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    found = refusal(SMALL, tmp_path / "graph.svg")
    assert found.code == "LEGO804"
    assert "pip install" in found.help[0]
    draw(SMALL, tmp_path / "graph.dot")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
class TestProgram:
    def test_is_taken_where_there_is_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        program(tmp_path, monkeypatch, 'echo chatter >&2; echo "drawn with $*"')
        draw(SMALL, tmp_path / "graph.svg")
        assert (tmp_path / "graph.svg").read_text().startswith("drawn with -Kdot -Tsvg")
        assert capfd.readouterr() == ("", "")

    def test_that_fails_is_no_harm_where_pygraphviz_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path, monkeypatch, "exit 1")
        assert texts(svg_of(SMALL, tmp_path)) == ["a", "b"]

    def test_that_cannot_be_run_is_no_harm_where_pygraphviz_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path, monkeypatch, "")
        (tmp_path / "dot").write_bytes(b"\x7fELF no program")
        assert texts(svg_of(SMALL, tmp_path)) == ["a", "b"]

    def test_its_own_words_are_passed_on_where_nothing_works(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program(tmp_path, monkeypatch, "echo 'Format: \"svg\" not recognized' >&2; exit 1")
        monkeypatch.setattr(engines, "find_spec", lambda name: None)
        found = refusal(SMALL, tmp_path / "graph.svg")
        assert found.code == "LEGO805"
        assert 'Format: "svg" not recognized' in found.message


def test_text_that_is_no_dot_is_refused(tmp_path: Path, only_bundled: None) -> None:
    assert refusal("this is no DOT", tmp_path / "graph.svg").code == "LEGO805"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="fonts come by fontconfig on Linux alone")
def test_a_machine_without_fonts_draws_no_empty_boxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only_bundled: None
) -> None:
    monkeypatch.setenv("FONTCONFIG_FILE", str(tmp_path / "fonts.conf"))
    (tmp_path / "fonts.conf").write_text('<?xml version="1.0"?><fontconfig></fontconfig>')
    for suffix in (".png", ".pdf"):
        found = refusal(SMALL, tmp_path / f"graph{suffix}")
        assert found.code == "LEGO805"
        assert "no font" in found.message
    assert texts(svg_of(SMALL, tmp_path)) == ["a", "b"]
