"""``legonet render SPEC -o page.html``."""

from __future__ import annotations

from pathlib import Path

from kit.commands import legonet
from kit.specs import write_spec
from kit.zoo import ZOO


def test_render_writes_a_page_whatever_the_letters_of_its_suffix(tmp_path: Path) -> None:
    write_spec(tmp_path, ZOO, "zoo.lego")
    for name in ("zoo.html", "again.HTML"):
        drawn = legonet(tmp_path, "render", "zoo.lego", "-o", name, "--path", "pet_finder")
        assert (drawn.returncode, drawn.stdout) == (0, f"drawn: {name}\n")
    first, again = ((tmp_path / name).read_bytes() for name in ("zoo.html", "again.HTML"))
    assert first.startswith(b"<!doctype html>")
    assert first == again
    assert str(tmp_path).encode() not in first


def test_a_page_is_written_also_where_the_pictures_cannot_be_found(tmp_path: Path) -> None:
    write_spec(tmp_path, ZOO.replace("digits()", 'folder("nowhere")'), "zoo.lego")
    drawn = legonet(tmp_path, "render", "zoo.lego", "-o", "zoo.html")
    assert drawn.returncode == 0
    assert "drawn without figures: " in drawn.stderr
    assert (tmp_path / "zoo.html").exists()


def test_what_a_page_cannot_do_is_wrong_usage(tmp_path: Path) -> None:
    write_spec(tmp_path, ZOO, "zoo.lego")
    refused = legonet(tmp_path, "render", "zoo.lego", "-o", "zoo.html", "--collapse", "9")
    assert refused.returncode == 2
    assert "--collapse" in refused.stderr
    unwritten = legonet(tmp_path, "render", "zoo.lego", "-o", "no/zoo.html")
    assert unwritten.returncode == 1
    assert "error[LEGO803]" in unwritten.stderr
