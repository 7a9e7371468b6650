"""Build histories: what was built last, for whom, through crashes and two builds at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from legonet.building.storage.build_history import LONGEST_BUILD, BuildHistory, Needs
from legonet.building.storage.index import open_index
from legonet.building.storage.keys import key_of


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = tmp_path / "project" / "animals.lego"
    file.parent.mkdir()
    file.write_text("")
    return file


def history(spec: Path, now: float = 0.0) -> BuildHistory:
    return BuildHistory(spec, open_index(spec.parent / ".legonet"), lambda: now)


def needs(spec: Path, now: float = 0.0, *, forget_missing: bool = False) -> Needs:
    folder = spec.parent / ".legonet"
    with open_index(folder).reading() as index:
        return Needs.of(index, folder, lambda: now, forget_missing=forget_missing)


def test_the_next_process_knows_what_was_entered_last(spec: Path) -> None:
    history(spec).enter({"cat": {"samples": 1}})
    history(spec).enter({"cat": {"samples": 2}})
    history(spec).enter({"dog": {"samples": 1}})
    found = history(spec)
    assert found.inputs("cat") == {"samples": 2}
    assert found.keys == {"cat": key_of({"samples": 2}), "dog": key_of({"samples": 1})}
    assert found.inputs("cow") is None


def test_two_builds_at_once_lose_nothing(spec: Path) -> None:
    one, other = history(spec), history(spec)
    one.begin({"a"})
    other.begin({"b"})
    one.enter({"cat": {"samples": 1}})
    other.enter({"dog": {"samples": 1}})
    assert history(spec).keys.keys() == {"cat", "dog"}
    assert needs(spec).wanted == {"a", "b"}


def test_specs_of_one_name_in_two_folders_have_two_histories(spec: Path, tmp_path: Path) -> None:
    index = open_index(tmp_path / "store")
    BuildHistory(spec, index).enter({"cat": {"samples": 1}})
    assert BuildHistory(tmp_path / spec.name, index).keys == {}
    assert BuildHistory(spec, index).keys.keys() == {"cat"}


def test_a_project_that_is_moved_keeps_its_history(spec: Path, tmp_path: Path) -> None:
    history(spec).enter({"cat": {"samples": 1}})
    moved = spec.parent.rename(tmp_path / "moved") / spec.name
    assert history(moved).keys.keys() == {"cat"}
    assert needs(moved).finished == {key_of({"samples": 1}): ["animals.lego: cat"]}


def test_a_spec_whose_name_is_no_text_has_a_history(spec: Path) -> None:
    named = spec.with_name("caf\udce9.lego")
    named.touch()
    history(named).begin({"a"})
    history(named).enter({"cat": {"samples": 1}})
    assert needs(named).wanted == {"a"}
    assert history(named).keys.keys() == {"cat"}


def test_a_spec_needs_what_it_had_until_it_is_forgotten(spec: Path) -> None:
    history(spec).begin({"a"})
    history(spec).enter({"cat": {"samples": 1}})
    assert needs(spec).wanted == {"a"}
    spec.unlink()
    found = needs(spec)
    assert found.wanted == {"a"}
    assert found.missing == {Path("../animals.lego"): {"a", key_of({"samples": 1})}}
    found = needs(spec, forget_missing=True)
    assert (found.wanted, found.finished) == (frozenset(), {})
    assert len(found.forgotten) == 1


def test_what_was_wanted_long_ago_is_forgotten_after_a_new_build(spec: Path) -> None:
    history(spec).begin({"a"})
    later = 2 * LONGEST_BUILD
    assert needs(spec, later).wanted == {"a"}
    history(spec, later).begin({"b"})
    assert needs(spec, later).wanted == {"b"}


def test_what_was_made_is_wanted_no_longer(spec: Path) -> None:
    key = key_of({"samples": 1})
    history(spec).begin({key, "b"})
    history(spec).enter({"cat": {"samples": 1}})
    assert needs(spec).wanted == {"b"}
    history(spec).enter({"cat": {"samples": 2}})
    assert key not in {*needs(spec).wanted, *history(spec).keys.values()}
    history(spec).begin({key})
    assert key in needs(spec).wanted


def test_names_are_known_by_what_they_once_stood_for(spec: Path) -> None:
    first = history(spec)
    for name, samples in (("cat", 1), ("dog", 1), ("cat", 2)):
        first.enter({name: {"samples": samples}})
    for found in (first, history(spec)):
        assert found.once(key_of({"samples": 1})) == {"cat": {"samples": 1}, "dog": {"samples": 1}}
        assert found.once(key_of({"samples": 2})) == {"cat": {"samples": 2}}
        assert found.once("another") == {}
