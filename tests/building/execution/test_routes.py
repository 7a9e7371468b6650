from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from legonet.building import Artifact
from legonet.building.execution.routes import ModuleRef, Route, Source
from legonet.modules.small import SmallVgg


def artifact(kind: str, key: str) -> Artifact:
    return Artifact(Path(key), {"kind": kind, "key": key, "sha256": "0" * 64})


def half(key: str, cut: str = "features.4") -> ModuleRef:
    return ModuleRef(key, cut, artifact("network", key), SmallVgg(classes=1, channels=4))


ROUTE = Route("cat", "classify", Source(half("c"), 32), artifact("adapter", "a"), half("t"))


@pytest.mark.parametrize(
    "other",
    [
        replace(ROUTE, source=Source(half("d"), 32)),
        replace(ROUTE, source=Source(half("c", "features.2"), 32)),
        replace(ROUTE, source=Source(half("c"), 64)),
        replace(ROUTE, adapter=artifact("adapter", "b")),
        replace(ROUTE, adapter=None),
        replace(ROUTE, target=half("u")),
        replace(ROUTE, target=half("t", "features.2")),
        replace(ROUTE, source=Source(half("t"), 32), target=half("c")),
    ],
)
def test_whatever_changes_an_answer_changes_the_key(other: Route) -> None:
    assert other.key != ROUTE.key


def test_names_are_no_part_of_the_key() -> None:
    renamed = replace(ROUTE, category="tom", task="read")
    assert renamed.name == "tom -> read"
    assert renamed.key == ROUTE.key


def test_a_route_names_each_module_that_it_passes_through_once() -> None:
    assert ROUTE.modules == ("c", "a", "t")
    assert replace(ROUTE, adapter=None, target=half("c")).modules == ("c",)
