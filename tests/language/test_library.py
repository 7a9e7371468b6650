"""The names of other packages' models are those that the packages list themselves."""

from __future__ import annotations

from legonet.language.library import library_models


def test_torchvision_names_are_those_that_torchvision_lists() -> None:
    import torchvision  # here, since no other test of this layer needs it

    assert library_models("torchvision") == set(torchvision.models.list_models())


def test_a_library_that_is_not_installed_has_no_models() -> None:
    assert library_models("no_such_library_anywhere") == frozenset()
