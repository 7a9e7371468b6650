"""Which files of a set of pictures changed, in words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legonet.build.storage.inventory import (
    Inventories,
    Inventory,
    inventories_of,
    inventory_key,
)


def inventory(files: Mapping[str, str], root: str = "/data", label: str = "cat") -> Inventory:
    """Return the inventory of some files with their contents."""
    rows = [(name, label) for name in files]
    return Inventory(rows, [f"{root}/{name}" for name in files], list(files.values()))


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
    assert inventory(OLD).differences(inventory(now)) == told


def test_a_folder_that_was_moved_as_a_whole_is_compared_by_what_lies_in_it() -> None:
    now = inventory({**OLD, "train/1.jpg": "x"}, root="/elsewhere/deep")
    assert inventory(OLD).differences(now) == "1 changed (train/1.jpg)"


def test_a_file_outside_of_the_folder_makes_no_other_one_new() -> None:
    now = Inventory(
        [],
        [*(f"/data/{name}" for name in OLD), "/more/9.jpg"],
        [*OLD.values(), "z"],
    )
    assert inventory(OLD).differences(now) == "1 new (more/9.jpg)"


def test_other_labels_of_the_same_files_are_told() -> None:
    now = inventory(OLD, label="dog")
    assert inventory(OLD).differences(now).startswith("listed otherwise (test/1.jpg dog, ")
    backwards = Inventory(inventory(OLD).rows[::-1], now.files, now.digests)
    assert inventory(OLD).differences(backwards) == "listed otherwise"


@given(
    files=st.dictionaries(st.text("abc/ é", min_size=1).map(lambda name: f"{name}.jpg"), st.text())
)
def test_what_was_kept_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]
) -> None:
    kept = Inventories(tmp_path_factory.mktemp("store") / "evidence")
    made = inventory({name.replace("//", "/").strip("/"): text for name, text in files.items()})
    key = inventory_key(made.inputs)
    kept.keep({key: made})
    found = kept.find(made.inputs)
    assert found is not None
    assert found.inputs == made.inputs
    assert made.differences(found) == "listed otherwise"


def test_equal_contents_under_other_names_are_another_inventory(tmp_path: Path) -> None:
    one, other = inventory({"a.jpg": "x"}), inventory({"b.jpg": "x"})
    assert one.inputs["files"] == other.inputs["files"]
    assert inventory_key(one.inputs) != inventory_key(other.inputs)
    kept = Inventories(tmp_path)
    kept.keep({inventory_key(one.inputs): one, inventory_key(other.inputs): other})
    found = [kept.find(item.inputs) for item in (one, other)]
    assert [item and list(item.files) for item in found] == [["/data/a.jpg"], ["/data/b.jpg"]]


def test_what_stands_already_is_not_written_again(tmp_path: Path) -> None:
    made = inventory(OLD)
    kept = Inventories(tmp_path)
    kept.keep({"key": made})
    (tmp_path / "key.json").write_text("as it was")
    kept.keep({"key": made})
    assert (tmp_path / "key.json").read_text() == "as it was"


@pytest.mark.parametrize(
    "rubbish", [b"", b"{", b"[]", b'{"rows": 1}', b'{"rows": [], "root": "", "files": [1]}']
)
def test_a_damaged_inventory_is_as_good_as_none(tmp_path: Path, rubbish: bytes) -> None:
    made = inventory(OLD)
    (tmp_path / f"{inventory_key(made.inputs)}.json").write_bytes(rubbish)
    assert Inventories(tmp_path).find(made.inputs) is None


def test_the_inventories_that_inputs_refer_to_are_found_at_any_depth() -> None:
    one, other = inventory({"a": "x"}).inputs, inventory({"b": "x"}).inputs
    inputs = {"seed": 1, "data": {"size": 16, **one}, "train": {"data": other, "layers": [1]}}
    assert set(inventories_of(inputs)) == {inventory_key(one), inventory_key(other)}
    assert set(inventories_of({"data": None, "weights": {"file": "x"}})) == set()
