"""Sources of other packages are opened like our own, and what goes wrong there is their fault."""

from __future__ import annotations

from typing import Any, ClassVar

from small_pictures import failure

from legonet.data import Example, Fingerprint, Source, ask, open_source
from legonet.data.sources.manifest import ManifestSource
from legonet.goals.classification import Classification
from legonet.language.sources import SourceForm


class StripesSource(Source):
    """A source such as another package would bring."""

    has_background = True
    has_masks = False
    default_size = 8

    def __init__(self, names: tuple[str, ...]) -> None:
        if not names:
            raise ValueError("no stripes")
        self.categories = names

    def fingerprint(self, category):
        return Fingerprint(("stripes", self.categories), ())

    def examples(self, split):
        shows = [(), *((name,) for name in self.categories)]
        return [Example(position, names, False) for position, names in enumerate(shows)]

    def read(self, split, examples, size, categories=None):
        import numpy as np

        return np.zeros((len(examples), size, size, 3), np.uint8), None


class Stripes(SourceForm):
    call = "stripes"
    opens = StripesSource
    names: tuple[str, ...]


class Three(SourceForm):
    call = "three"
    opens: ClassVar[Any] = int


class Rows(SourceForm):
    call = "rows"
    opens: ClassVar[Any] = ManifestSource
    directory: Any


def test_a_source_is_opened_with_its_arguments():
    question = ask(Stripes(names=("zebra",)), None, "zebra", Classification())
    assert question.size == 8
    assert question.read("train").labels.tolist() == [0, 1]


def test_its_form_says_of_background_what_the_source_says():
    assert Stripes(names=("zebra",)).has_background is True
    assert Three().has_background is None


def test_whatever_goes_wrong_in_a_package_is_told_as_its_own_fault():
    message = failure("LEGO408", lambda: open_source(Stripes(names=())))
    assert "`stripes`" in message
    assert "ValueError" in message
    assert "`int`" in failure("LEGO408", lambda: open_source(Three()))


def test_a_package_may_tell_in_legonets_own_way_what_is_wrong(tmp_path):
    failure("LEGO401", lambda: open_source(Rows(directory=tmp_path)))
