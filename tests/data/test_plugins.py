"""Other packages' sources are found by name and nothing else."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest
from small_pictures import failure

from legonet.data import Evidence, Example, Source, ask, open_source, plugins
from legonet.spec.base import Goal
from legonet.spec.sources import PluginSource


class Stripes(Source):
    """A source such as another package would bring."""

    has_background = True
    has_masks = False
    default_size = 8

    def __init__(self, names: list[str]):
        self.categories = tuple(names)

    def evidence(self, category):
        return Evidence(("stripes", self.categories), ())

    def examples(self, split):
        shows = [(), *((name,) for name in self.categories)]
        return [Example(position, names, False) for position, names in enumerate(shows)]

    def read(self, split, examples, size, categories=None):
        import numpy as np

        return np.zeros((len(examples), size, size, 3), np.uint8), None


def no_source():
    return 3


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    points = EntryPoints(
        EntryPoint(name, value, "legonet.sources")
        for name, value in [
            ("stripes", f"{__name__}:Stripes"),
            ("three", f"{__name__}:no_source"),
            ("rows", "legonet.data.sources.manifest:ManifestSource"),
            ("gone", "no_such_package_anywhere:source"),
        ]
    )
    monkeypatch.setattr(plugins, "entry_points", lambda group: points.select(group=group))


def form(call, **arguments):
    return PluginSource(call=call, arguments=arguments)


def test_a_registered_source_is_opened_with_its_arguments():
    question = ask(form("stripes", names=["zebra"]), None, "zebra", Goal.CLASSIFICATION)
    assert question.size == 8
    assert question.read("train").labels.tolist() == [0, 1]


def test_an_unknown_name_is_refused_without_an_import():
    before = set(sys.modules)
    message = failure("LEGO408", lambda: open_source(form("stripe")))
    assert "`stripes`" in message
    assert set(sys.modules) == before


def test_whatever_goes_wrong_in_a_package_is_told_as_its_own_fault():
    assert "no_such_package" in failure("LEGO408", lambda: open_source(form("gone")))
    assert "TypeError" in failure("LEGO408", lambda: open_source(form("stripes", colour=1)))
    assert "`int`" in failure("LEGO408", lambda: open_source(form("three")))


def test_a_package_may_tell_in_legonets_own_way_what_is_wrong(tmp_path):
    failure("LEGO401", lambda: open_source(form("rows", directory=tmp_path)))
