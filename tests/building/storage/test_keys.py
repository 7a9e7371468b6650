from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legonet.building.storage.keys import key_of

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc."), inner, max_size=4),
    max_leaves=12,
)


def typed(value: object) -> object:
    """Say a value with its types, so that two are equal only if they are alike in every part."""
    match value:
        case dict():
            return ("mapping", sorted((name, typed(item)) for name, item in value.items()))
        case list():
            return ("list", [typed(item) for item in value])
        case float():
            return ("float", value.hex())
    return (type(value).__name__, repr(value))


@given(trees, trees)
def test_keys_are_equal_exactly_if_the_values_are_alike(one: object, other: object) -> None:
    alike = repr(typed(one)) == repr(typed(other))
    assert (key_of(one) == key_of(other)) == alike


@given(st.dictionaries(st.text(), scalars, min_size=2))
def test_the_order_of_names_does_not_count(mapping: dict[str, object]) -> None:
    assert key_of(mapping) == key_of(dict(reversed(mapping.items())))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        (1, 1.0),
        (1, True),
        (None, "None"),
        (["ab"], ["a", "b"]),
        ([["a"], "b"], [["a", "b"]]),
        ({"a": "b"}, ["a", "b"]),
        ("", None),
        ([], {}),
        (0.0, -0.0),
    ],
)
def test_values_of_another_type_or_shape_have_other_keys(one: object, other: object) -> None:
    assert key_of(one) != key_of(other)


def test_a_value_without_a_plain_type_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        key_of({"a": [object()]})


def test_a_number_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        key_of([float("nan")])


def test_another_process_finds_the_same_key() -> None:
    value = {"b": [1, 2.5, None, "x"], "a": True}
    code = f"from legonet.building.storage.keys import key_of; print(key_of({value!r}))"
    printed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    ).stdout
    assert printed.strip() == key_of(value)
