"""Which files of a set of pictures changed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legonet.building.storage.file_list import (
    FileList,
    file_list_key,
    file_lists_of,
    find,
    keep,
)
from legonet.building.storage.index import open_index


def file_list(files: Mapping[str, str], root: str = "/data", label: str = "cat") -> FileList:
    """Return the file_list of some files with their contents."""
    rows = [(name, label) for name in files]
    return FileList(rows, [f"{root}/{name}" for name in files], list(files.values()))


OLD = {"train/1.jpg": "a", "train/2.jpg": "b", "test/1.jpg": "c"}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({**OLD, "train/1.jpg": "x"}, "1 changed (train/1.jpg)"),
        (
            {**OLD, "train/2.jpg": "x", "train/1.jpg": "y", "train/9.jpg": "z"},
            "2 changed (train/1.jpg, train/2.jpg), 1 new (train/9.jpg)",
        ),
        ({"train/1.jpg": "a", "test/1.jpg": "c"}, "1 gone (train/2.jpg)"),
        (
            {**OLD, **{f"test/{number}.jpg": "n" for number in range(2, 8)}},
            "6 new (test/2.jpg, test/3.jpg, test/4.jpg and 3 more)",
        ),
    ],
)
def test_changed_new_and_missing_files_are_named(now: dict[str, str], told: str) -> None:
    assert file_list(OLD).differences(file_list(now)) == told


def test_a_folder_that_was_moved_as_a_whole_is_compared_by_what_lies_in_it() -> None:
    now = file_list({**OLD, "train/1.jpg": "x"}, root="/elsewhere/deep")
    assert file_list(OLD).differences(now) == "1 changed (train/1.jpg)"


def test_a_file_outside_of_the_folder_makes_no_other_one_new() -> None:
    now = FileList(
        [],
        [*(f"/data/{name}" for name in OLD), "/more/9.jpg"],
        [*OLD.values(), "z"],
    )
    assert file_list(OLD).differences(now) == "1 new (more/9.jpg)"


def test_other_labels_of_the_same_files_are_told() -> None:
    now = file_list(OLD, label="dog")
    assert file_list(OLD).differences(now).startswith("listed differently (test/1.jpg dog, ")
    backwards = FileList(file_list(OLD).rows[::-1], now.files, now.digests)
    assert file_list(OLD).differences(backwards) == "listed differently"


@given(
    files=st.dictionaries(st.text("abc/ é", min_size=1).map(lambda name: f"{name}.jpg"), st.text())
)
def test_what_was_kept_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]
) -> None:
    index = open_index(tmp_path_factory.mktemp("store"))
    made = file_list({name.replace("//", "/").strip("/"): text for name, text in files.items()})
    with index.writing() as connection:
        keep(connection, {file_list_key(made.inputs): made})
    found = find(index, made.inputs)
    assert found is not None
    assert found.inputs == made.inputs
    assert made.differences(found) == "listed differently"


def test_equal_contents_under_other_names_are_another_file_list(tmp_path: Path) -> None:
    one, other = file_list({"a.jpg": "x"}), file_list({"b.jpg": "x"})
    assert one.inputs["files"] == other.inputs["files"]
    assert file_list_key(one.inputs) != file_list_key(other.inputs)
    index = open_index(tmp_path)
    with index.writing() as connection:
        keep(connection, {file_list_key(one.inputs): one, file_list_key(other.inputs): other})
    found = [find(index, item.inputs) for item in (one, other)]
    assert [item and list(item.files) for item in found] == [["/data/a.jpg"], ["/data/b.jpg"]]


def test_what_was_not_kept_is_not_found(tmp_path: Path) -> None:
    assert find(open_index(tmp_path), file_list(OLD).inputs) is None


def test_the_file_lists_that_inputs_refer_to_are_found_at_any_depth() -> None:
    one, other = file_list({"a": "x"}).inputs, file_list({"b": "x"}).inputs
    inputs = {"seed": 1, "data": {"size": 16, **one}, "train": {"data": other, "layers": [1]}}
    assert set(file_lists_of(inputs)) == {file_list_key(one), file_list_key(other)}
    assert set(file_lists_of({"data": None, "weights": {"file": "x"}})) == set()
