"""The parser's tables are kept between processes, and never wrong for it."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from legonet.diagnostics import SourceText
from legonet.syntax import ast, parse
from legonet.syntax.builder import AstBuilder
from legonet.syntax.cache_folder import VARIABLE
from legonet.syntax.grammar import compile_grammar

TEXT = 'let a = [1, "x", f(y: true)]\nfor b in a {\n  data d${b} { source: digits() }\n}\n'


def tree(builder: AstBuilder | None = None) -> ast.Ast:
    builder = builder or AstBuilder()
    lark = compile_grammar(builder)
    with builder.reading(SourceText("a.lego", TEXT)):
        found: ast.Ast = lark.parse(TEXT, start="spec")  # type: ignore[assignment]
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_kept_tables_read_as_new_ones_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new, kept = tree(), tree()
    assert [file.name.partition("-")[0] for file in folder.iterdir()] == ["grammar"]
    monkeypatch.setenv(VARIABLE, "")
    assert new == kept == tree() == parse(SourceText("a.lego", TEXT)).ast


@pytest.mark.parametrize("damage", [b"", b"nonsense\n", None])
def test_damaged_tables_are_made_anew(damage: bytes | None, folder: Path) -> None:
    whole = tree()
    (file,) = folder.iterdir()
    file.write_bytes(file.read_bytes()[:-100] if damage is None else damage)
    assert tree() == whole


def test_a_folder_that_cannot_be_made_is_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "cache"))
    assert tree().statements


def test_threads_that_parse_at_once_read_their_own_texts() -> None:
    found: dict[int, ast.Ast] = {}

    def read(number: int) -> None:
        text = "".join(f"let a{number} = [1, b{item}]\n" for item in range(300))
        found[number] = parse(SourceText(f"{number}.lego", text)).ast

    threads = [Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, read_tree in found.items():
        assert len(read_tree.statements) == 300
        for statement in read_tree.statements:
            assert isinstance(statement, ast.Let)
            assert statement.name.text == f"a{number}"
            assert statement.span.source.path == f"{number}.lego"
