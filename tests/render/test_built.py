from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path

import pytest
from kit.specs import large_spec, plan_of, write_spec
from kit.stores import pretend

from legonet.building import Plan
from legonet.render.built import Size, sizes_of
from legonet.render.words import parameters, size

NETWORK = {
    "features.0.weight": (4, 3, 3, 3),
    "features.0.bias": (4,),
    "features.4.norm.weight": (4,),
    "features.4.norm.running_mean": (4,),
    "features.10.weight": (8, 4, 3, 3),
    "classifier.0.weight": (1, 8),
}
IN_FRONT = 108 + 4 + 4
BEHIND = 288 + 8
ADAPTER = {"layers.0.weight": (6, 4, 1, 1), "layers.0.bias": (6,), "scale": ()}


def refill(
    file: Path, shapes: Mapping[str, tuple[int, ...]], certificate: Mapping[str, object] = {}
) -> None:
    """Write an artifact again, with tensors of zeros and more in its certificate."""
    from legonet.building.storage.header import metadata_of

    contents = file.read_bytes()
    length = int.from_bytes(contents[:8], "little")
    metadata = json.loads(contents[8 : 8 + length])["__metadata__"]
    known = json.loads(metadata["legonet"])
    header: dict[str, object] = {"__metadata__": metadata_of({**known, **certificate})}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan of one edge that is built."""
    spec = write_spec(tmp_path, large_spec(1, 1))
    made = pretend(spec)
    store = tmp_path / ".legonet"
    for step in made.networks:
        refill(store / "networks" / f"{step.key}.safetensors", NETWORK)
    adapter = {"adapter": {"channels_in": 4, "channels_out": 6, "kernels": [1]}}
    refill(store / "adapters" / f"{made.edges[0].key}.safetensors", ADAPTER, adapter)
    return plan_of(spec)


def test_sizes_come_from_the_headers_of_what_is_built(plan: Plan) -> None:
    found = sizes_of(plan)
    assert found.networks["c0_net"] == Size(IN_FRONT + BEHIND)
    assert found.categories["c0"] == Size(IN_FRONT, (4,))
    assert found.tasks["t0"] == Size(BEHIND, (6,))
    assert found.adapters["c0", "t0"] == Size(31, (4, 6))


def test_a_cut_elsewhere_leaves_its_parameters_unknown(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, large_spec(1, 1).replace('"features.4"', '"classifier.0"'))
    for step in pretend(spec).networks:
        refill(tmp_path / ".legonet" / "networks" / f"{step.key}.safetensors", NETWORK)
    found = sizes_of(plan_of(spec))
    assert found.networks["c0_net"] == Size(IN_FRONT + BEHIND)
    assert found.categories["c0"] == Size()


def test_what_is_not_built_has_no_size(tmp_path: Path) -> None:
    found = sizes_of(plan_of(write_spec(tmp_path, large_spec(1, 1))))
    assert (found.networks, found.adapters) == ({}, {})
    assert found.categories == {"c0": Size()}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, ""),
        (31, "31 parameters"),
        (999, "999 parameters"),
        (1_057, "1.1k parameters"),
        (99_960, "100k parameters"),
        (418_721, "419k parameters"),
        (999_600, "1.0M parameters"),
        (138_357_544, "138M parameters"),
        (2_500_000_000, "2.5G parameters"),
    ],
)
def test_how_many_parameters_are_said(number: int | None, words: str) -> None:
    assert parameters(Size(number)) == words


def test_channels_are_said_below_and_above_an_adapter() -> None:
    assert size(Size(1_057, (32, 64))) == "32 → 64 channels, 1.1k parameters"
    assert size(Size(None, (32,))) == "32 channels"
    assert size(Size()) == ""
