"""Ledgers: what was built last, for whom, through crashes and two builds at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from legonet.build.storage.keys import key_of
from legonet.build.storage.ledger import LONGEST_BUILD, Ledger


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "project" / "animals.lego"
    file.parent.mkdir()
    file.write_text("")
    return file


def ledger(spec: Path) -> Ledger:
    return Ledger.of(spec, spec.parent / ".legonet" / "ledgers")


def test_the_next_process_knows_what_was_entered_last(spec: Path) -> None:
    ledger(spec).enter("cat", {"samples": 1})
    ledger(spec).enter("cat", {"samples": 2})
    ledger(spec).enter("dog", {"samples": 1})
    found = ledger(spec)
    assert found.inputs("cat") == {"samples": 2}
    assert found.keys == {"cat": key_of({"samples": 2}), "dog": key_of({"samples": 1})}
    assert found.inputs("cow") is None


def test_two_builds_at_once_lose_nothing(spec: Path) -> None:
    one, other = ledger(spec), ledger(spec)
    one.begin({"a"})
    other.begin({"b"})
    one.enter("cat", {"samples": 1})
    other.enter("dog", {"samples": 1})
    found = ledger(spec)
    assert found.keys.keys() == {"cat", "dog"}
    assert found.wanted == {"a", "b"}


@pytest.mark.parametrize("left", range(1, 40, 3))
def test_a_line_that_a_crash_cut_off_spoils_no_other(left: int, spec: Path) -> None:
    first = ledger(spec)
    first.enter("cat", {"samples": 1})
    whole = first.file.read_bytes()
    first.enter("dog", {"samples": 1})
    first.file.write_bytes(first.file.read_bytes()[: len(whole) + left])
    ledger(spec).enter("cow", {"samples": 1})
    assert ledger(spec).keys.keys() == {"cat", "cow"}


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[1]\n3\n", b'{"name": 1, "inputs": 2}\n'])
def test_a_damaged_ledger_says_nothing_and_is_gone_on_with(content: bytes, spec: Path) -> None:
    found = ledger(spec)
    found.file.parent.mkdir(parents=True)
    found.file.write_bytes(content)
    ledger(spec).enter("cat", {"samples": 1})
    assert ledger(spec).keys.keys() == {"cat"}


def test_specs_of_one_name_in_two_folders_have_two_ledgers(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    other = tmp_path / "animals.lego"
    Ledger.of(spec, folder).enter("cat", {"samples": 1})
    assert Ledger.of(other, folder).keys == {}


def test_a_project_that_is_moved_keeps_its_ledger(spec: Path, tmp_path: Path) -> None:
    ledger(spec).enter("cat", {"samples": 1})
    moved = spec.parent.rename(tmp_path / "moved") / spec.name
    assert ledger(moved).keys.keys() == {"cat"}
    assert ledger(moved).in_use


def test_a_spec_is_in_use_while_it_exists(spec: Path) -> None:
    ledger(spec).begin({"a"})
    assert Ledger(ledger(spec).file).in_use
    spec.unlink()
    assert not Ledger(ledger(spec).file).in_use


def test_what_was_wanted_long_ago_is_forgotten_behind_a_new_build(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    ledger(spec).begin({"a"})
    monkeypatch.setattr("time.time", lambda: 2 * LONGEST_BUILD)
    assert ledger(spec).wanted == {"a"}
    ledger(spec).begin({"b"})
    assert ledger(spec).wanted == {"b"}


def test_what_was_made_is_wanted_no_longer(spec: Path) -> None:
    key = key_of({"samples": 1})
    ledger(spec).begin({key, "b"})
    ledger(spec).enter("cat", {"samples": 1})
    assert ledger(spec).wanted == {"b"}
    ledger(spec).enter("cat", {"samples": 2})
    assert key not in {*ledger(spec).wanted, *ledger(spec).keys.values()}
    ledger(spec).begin({key})
    assert key in ledger(spec).wanted


def test_names_are_known_by_what_they_once_stood_for(spec: Path) -> None:
    first = ledger(spec)
    for name, samples in (("cat", 1), ("dog", 1), ("cat", 2)):
        first.enter(name, {"samples": samples})
    for found in (first, ledger(spec)):
        assert found.once(key_of({"samples": 1})) == {"cat": {"samples": 1}, "dog": {"samples": 1}}
        assert found.once(key_of({"samples": 2})) == {"cat": {"samples": 2}}
        assert found.once("another") == {}


def test_a_build_sees_what_it_noted_itself(spec: Path) -> None:
    key = key_of({"samples": 1})
    found = ledger(spec)
    found.begin({key, "b"})
    assert found.wanted == {key, "b"}
    found.enter("cat", {"samples": 1})
    assert found.wanted == {"b"}
    assert found.entries == {"cat": {"samples": 1}}
