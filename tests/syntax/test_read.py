"""Files to texts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from legonet.diagnostics import DiagnosticError
from legonet.syntax import find_text, read_text


def refused(path: Path) -> DiagnosticError:
    with pytest.raises(DiagnosticError) as error:
        read_text(find_text(path, path.name), path.name)
    return error.value


def test_a_text_is_read_as_utf_8_without_its_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "a.lego"
    file.write_bytes("\ufeffdata été".encode())
    text = read_text(find_text(file, "shown.lego"), "shown.lego")
    assert (text.path, text.text) == ("shown.lego", "data été")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("bad", [b"\xff", b"\xe9 ", b"\xc3"])
def test_the_first_byte_that_is_no_character_is_shown(
    mark: bytes, bad: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "a.lego"
    file.write_bytes(mark + "été\nlet ".encode() + bad)
    (found,) = refused(file).diagnostics
    assert found.code == "LEGO102"
    assert found.span is not None
    assert (found.span.line, found.span.column) == (2, 5)
    assert f"{bad[0]:#04x}" in found.label


def test_a_text_in_utf_16_is_refused(tmp_path: Path) -> None:
    for encoding in ("utf-16", "utf-16-le"):
        file = tmp_path / "a.lego"
        file.write_bytes("let a = 1\n".encode(encoding))
        assert refused(file).diagnostics[0].code == "LEGO102"


def test_a_missing_file_has_a_similar_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "common.lego").write_text("")
    (found,) = refused(tmp_path / "comon.lego").diagnostics
    assert found.code == "LEGO101"
    assert found.help == ("a file with a similar name exists: `common.lego`",)


@pytest.mark.parametrize("name", ["folder", "pipe", "round", "none/at/all", "file.lego/below"])
def test_what_is_no_plain_file_is_not_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.lego").write_text("")
    (tmp_path / "round").symlink_to("round")
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / name).diagnostics[0].code == "LEGO101"


def test_a_link_leads_to_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "a.lego").write_text("let a = 1\n")
    (tmp_path / "link.lego").symlink_to("a.lego")
    assert find_text(tmp_path / "link.lego", "") == (tmp_path / "a.lego").resolve()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    file = tmp_path / "a.lego"
    file.write_text("")
    file.chmod(0)
    assert "permission denied" in refused(file).diagnostics[0].message
