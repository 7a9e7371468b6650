"""A network of which everything is built, with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.untrained import write_filled

from legonet import TransplantNetwork


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec with something in its store for each step; to change it, copy it with `copy_spec`."""
    return write_filled(tmp_path_factory.mktemp("network"))


@pytest.fixture
def network(spec: Path) -> TransplantNetwork:
    """The network of the spec, just opened."""
    return TransplantNetwork.open(spec)
