"""``legonet fmt``: what becomes of people's files."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from kit.commands import environment, legonet

from legonet.cli.main import application

UGLY = 'let cut="features.4"# a\n\n\ncategory a{from:n\nuntil:cut}\n'
NEAT = 'let cut = "features.4"  # a\n\ncategory a { from: n, until: cut }\n'
WRONG = "let = 1\n"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def piped(content: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``legonet fmt`` with something on its standard input, and no encoding to rely on."""
    return subprocess.run(
        [sys.executable, "-m", "legonet", "fmt", *arguments],
        input=content,
        env=environment() | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def in_process(*arguments: str) -> int:
    return int(application(["fmt", *arguments], standalone_mode=False) or 0)


def test_it_rewrites_what_changes_and_says_so(tmp_path: Path) -> None:
    ugly, neat = write(tmp_path, "ugly.lego", UGLY), write(tmp_path, "neat.lego", NEAT)
    finished = legonet(tmp_path, "fmt", "ugly.lego", "neat.lego")
    assert finished.returncode == 0
    assert finished.stdout == ""
    assert finished.stderr == "formatted ugly.lego\n1 spec formatted, 1 left as it is\n"
    assert ugly.read_text() == neat.read_text() == NEAT
    again = legonet(tmp_path, "fmt", "ugly.lego", "neat.lego")
    assert again.stderr == "0 specs formatted, 2 left as they are\n"


def test_it_does_not_touch_what_is_right(tmp_path: Path) -> None:
    file = write(tmp_path, "neat.lego", NEAT)
    os.utime(file, ns=(10**9, 10**9))
    before = file.stat()
    assert in_process(str(file)) == 0
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_check_names_what_would_change_and_writes_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, "ugly.lego", UGLY)
    write(tmp_path, "neat.lego", NEAT)
    finished = legonet(tmp_path, "fmt", "--check", "ugly.lego", "neat.lego")
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr == (
        "would format ugly.lego\n1 spec would be formatted, 1 left as it is\n"
    )
    assert file.read_text() == UGLY
    assert legonet(tmp_path, "fmt", "--check", "neat.lego").returncode == 0


@pytest.mark.parametrize("options", [["--diff"], ["--check", "--diff"]])
def test_diff_shows_the_change_and_writes_nothing(tmp_path: Path, options: list[str]) -> None:
    file = write(tmp_path, "ugly.lego", UGLY + "path p=a->b")
    finished = legonet(tmp_path, "fmt", *options, "ugly.lego")
    assert finished.returncode == 1
    assert finished.stdout.splitlines() == [
        "--- ugly.lego (as it is)",
        "+++ ugly.lego (formatted)",
        "@@ -1,6 +1,4 @@",
        '-let cut="features.4"# a',
        '+let cut = "features.4"  # a',
        " ",
        "-",
        "-category a{from:n",
        "-until:cut}",
        "-path p=a->b",
        "\\ No newline at end of file",
        "+category a { from: n, until: cut }",
        "+path p = a -> b",
    ]
    assert file.read_text() == UGLY + "path p=a->b"


def test_a_spec_with_mistakes_is_left_and_the_others_are_formatted(tmp_path: Path) -> None:
    wrong = write(tmp_path, "wrong.lego", WRONG)
    ugly = write(tmp_path, "ugly.lego", UGLY)
    finished = legonet(tmp_path, "fmt", "wrong.lego", "ugly.lego")
    assert finished.returncode == 1
    checked = legonet(tmp_path, "check", "wrong.lego")
    assert checked.stderr in finished.stderr
    assert finished.stderr.endswith("1 spec formatted, 1 with mistakes\n")
    assert (wrong.read_text(), ugly.read_text()) == (WRONG, NEAT)


def test_what_cannot_be_read_is_a_diagnostic(tmp_path: Path) -> None:
    (tmp_path / "folder.lego").mkdir()
    write(tmp_path, "latin.lego", 'let a = "é"\n'.encode("latin-1"))
    write(tmp_path, "ugly.lego", UGLY)
    finished = legonet(tmp_path, "fmt", "folder.lego", "latin.lego", "uglyy.lego", "ugly.lego")
    assert finished.returncode == 1
    assert "Traceback" not in finished.stderr
    assert "error[LEGO101]: no spec (`*.lego`) in or below `folder.lego`" in finished.stderr
    assert "error[LEGO102]: `latin.lego` is not UTF-8 text" in finished.stderr
    assert "help: a file with a similar name exists: `ugly.lego`" in finished.stderr
    assert finished.stderr.endswith("1 spec formatted, 2 with mistakes\n")
    assert (tmp_path / "latin.lego").read_bytes() == 'let a = "é"\n'.encode("latin-1")


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file = write(tmp_path / "real", "ugly.lego", UGLY)
    file.chmod(0o640)
    link = tmp_path / "link.lego"
    link.symlink_to(Path("real") / "ugly.lego")
    assert in_process(str(link)) == 0
    assert link.is_symlink()
    assert file.read_text() == NEAT
    assert file.stat().st_mode & 0o7777 == 0o640
    assert names_in(tmp_path / "real") == ["ugly.lego"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_text_and_no_rest(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "ugly.lego", UGLY)

    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), full)
    assert in_process(str(file)) == 1
    assert f"error[LEGO701]: cannot write `{file}`: no space left" in capsys.readouterr().err
    assert file.read_text() == UGLY
    assert names_in(tmp_path) == ["ugly.lego"]


def test_a_write_protected_file_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "ugly.lego", UGLY)
    real_open = Path.open

    def protected(path: Path, mode: str = "r", *arguments: object, **options: object) -> object:
        if "+" in mode:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real_open(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", protected)
    assert in_process(str(file)) == 1
    assert "cannot write" in capsys.readouterr().err
    assert file.read_text() == UGLY


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_byte_order_marks_and_windows_line_ends_stay(
    tmp_path: Path, mark: bytes, end: bytes
) -> None:
    neat = mark + NEAT.encode().replace(b"\n", end)
    file = write(tmp_path, "ugly.lego", mark + UGLY.encode().replace(b"\n", end))
    assert in_process("--check", str(file)) == 1
    assert in_process(str(file)) == 0
    assert file.read_bytes() == neat
    assert in_process("--check", str(file)) == 0
    assert piped(mark + UGLY.encode().replace(b"\n", end), "-").stdout == neat


def test_a_text_with_both_line_ends_gets_those_of_windows(tmp_path: Path) -> None:
    file = write(tmp_path, "neat.lego", NEAT.replace("\n", "\r\n", 1).encode())
    assert in_process(str(file)) == 0
    assert file.read_bytes() == NEAT.replace("\n", "\r\n").encode()


def test_standard_input_goes_to_standard_output() -> None:
    finished = piped('let a="写真"\n'.encode(), "-")
    assert finished.returncode == 0
    assert finished.stdout == 'let a = "写真"\n'.encode()
    assert finished.stderr == b""


def test_standard_input_is_checked_as_files_are() -> None:
    finished = piped(UGLY.encode(), "--check", "-")
    assert (finished.returncode, finished.stdout) == (1, b"")
    assert piped(NEAT.encode(), "--check", "-").returncode == 0
    assert piped(NEAT.encode(), "--diff", "-").stdout == b""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WRONG.encode(), b"--> <stdin>:1:5"),
        (b"let a\xff", b"error[LEGO102]: the standard input is not UTF-8 text: byte 0xff"),
        (b"let a\0", b"error[LEGO104]"),
    ],
)
def test_mistakes_on_standard_input(content: bytes, message: bytes) -> None:
    finished = piped(content, "-")
    assert (finished.returncode, finished.stdout) == (1, b"")
    assert message in finished.stderr
    assert b"Traceback" not in finished.stderr


def test_a_spec_is_needed(tmp_path: Path) -> None:
    assert legonet(tmp_path, "fmt").returncode == 2


def test_the_specs_of_this_repository_are_formatted() -> None:
    specs = sorted((Path(__file__).resolve().parents[2] / "specs").glob("*.lego"))
    assert specs
    assert in_process("--check", *map(str, specs)) == 0
