from __future__ import annotations

from pathlib import Path

import pytest

from legonet.building import Store
from legonet.building.execution.caches import Frozen, FrozenNetworks
from legonet.diagnostics import DiagnosticError
from legonet.modules.models import instantiate
from legonet.modules.small import SmallVgg

MODEL = SmallVgg(classes=1, channels=4)
KEY = "a" * 64


@pytest.fixture
def networks(tmp_path: Path) -> FrozenNetworks:
    store = Store(tmp_path)
    store.put("network", KEY, instantiate(MODEL).state_dict(), {})
    return FrozenNetworks(store, "cpu")


def test_a_network_that_was_written_into_is_given_to_nobody_else(networks: FrozenNetworks) -> None:
    network = networks.get(KEY, "cat_net", MODEL)
    assert networks.get(KEY, "cat_net", MODEL) is network
    networks.check([network])
    next(network.module.parameters()).view(-1)[0] += 1e-3
    with pytest.raises(DiagnosticError, match="`cat_net` was changed"):
        networks.check([network])
    fresh = networks.get(KEY, "cat_net", MODEL)
    assert fresh is not network
    networks.check([fresh])


def test_to_unfreeze_a_network_is_noticed(networks: FrozenNetworks) -> None:
    network: Frozen = networks.get(KEY, "cat_net", MODEL)
    network.module.requires_grad_(True)
    with pytest.raises(DiagnosticError, match="made trainable"):
        networks.check([network])
