"""Modules are loaded late, once, and by halves; their memory comes back."""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import torch
from kit.specs import ROUTES, SEGMENTING
from kit.untrained import copy_spec, open_filled, put, step_of

from legonet import DiagnosticError, TransplantNetwork
from legonet.building import Artifact, Store
from legonet.building.execution.routes import ModuleRef
from legonet.modules.cut import bottom, top
from legonet.modules.models import instantiate
from legonet.network.module_cache import LoadedModules

PICTURES = torch.rand(2, 3, 16, 16)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of all artifacts whose tensors are read, in their order."""
    found: list[str] = []
    read = Store.tensors

    def noted(store: Store, artifact: Artifact) -> dict[str, torch.Tensor]:
        found.append(artifact.key)
        return read(store, artifact)

    monkeypatch.setattr(Store, "tensors", noted)
    return found


def test_opening_reads_no_weights_and_a_route_its_own_alone(spec: Path, reads: list[str]) -> None:
    network = TransplantNetwork.open(spec)
    assert network.routes() == tuple(ROUTES)
    assert network.memory == 0
    assert not reads
    network.route("digit_1", "classify")
    plan = network.plan
    edge = plan.edge("digit_1", "classify")
    assert edge is not None
    assert sorted(reads) == sorted([plan.network("net_1").key, plan.network("net_3").key, edge.key])
    network.route("digit_1", "classify")
    network.run(PICTURES, categories="digit_1", tasks="classify")
    assert len(reads) == 3


def test_of_a_network_only_the_half_stays_in_memory(network: TransplantNetwork) -> None:
    category, adapter, task, calibration = network.route("digit_1", "classify")
    model = network.graph.spec.networks["net_1"].model
    halves = [bottom(instantiate(model), "features.4"), top(instantiate(model), "features.4")]
    expected = sum(
        tensor.nbytes
        for module in (*halves, adapter, calibration)
        for tensor in module.state_dict().values()
    )
    assert network.memory == expected
    assert not {*category.state_dict()} & {*task.state_dict()}


def test_halves_that_overlap_share_their_tensors(tmp_path: Path, reads: list[str]) -> None:
    deeper = """
category deep { from: net_3, until: "features.9" }
task late { from: net_3, after: "features.9" }
adapter deep -> late
"""
    network = open_filled(tmp_path, SEGMENTING + deeper)
    top_half = network.route("digit_3", "classify")[-1].state_dict()
    before = network.memory
    deep, late = network.route("deep", "late")
    shared = {**deep.state_dict(), **late.state_dict()}
    same = [name for name in shared if name in top_half]
    assert same
    for name in same:
        assert shared[name].data_ptr() == top_half[name].data_ptr()
    assert network.memory == before
    with torch.no_grad():
        assert torch.equal(
            late(deep(PICTURES)), network(PICTURES, category="digit_3", task="classify")
        )


def test_what_another_half_has_is_shared_and_the_rest_is_read(spec: Path) -> None:
    network = TransplantNetwork.open(spec)
    artifact = network.plan.network("net_3").artifact
    assert artifact is not None
    model = network.graph.spec.networks["net_3"].model
    loaded = LoadedModules(Store(spec.parent / ".legonet"), torch.device("cpu"))
    below = loaded.category_module(
        ModuleRef(artifact.key, "features.9", artifact, model)
    ).state_dict()
    above = loaded.task_module(ModuleRef(artifact.key, "features.4", artifact, model)).state_dict()
    both = below.keys() & above.keys()
    assert both
    assert above.keys() - below.keys()
    assert all(below[name].data_ptr() == above[name].data_ptr() for name in both)


def test_unloading_gives_all_memory_back(network: TransplantNetwork) -> None:
    answers = network.run(PICTURES)
    route = network.route("digit_1", "ink")
    watched = [weakref.ref(module) for module in route.modules()]
    tensors = [weakref.ref(tensor) for tensor in route.parameters()]
    assert network.memory > 0
    network.unload()
    assert network.memory == 0
    assert all(reference() is not None for reference in tensors), "the route is held on to"
    del route
    gc.collect()
    assert not [reference() for reference in (*watched, *tensors) if reference() is not None]
    for ends, answer in network.run(PICTURES).items():
        assert torch.equal(answer, answers[ends])


def test_unloading_leaves_no_module_behind_for_later(network: TransplantNetwork) -> None:
    watched = [
        weakref.ref(tensor) for ends in ROUTES for tensor in network.route(*ends).parameters()
    ]
    network.unload()
    assert not [reference for reference in watched if reference() is not None]


def test_names_unload_what_is_needed_for_them_alone(network: TransplantNetwork) -> None:
    network.run(PICTURES, categories="digit_1")
    both = network.memory
    category, _, ink, _ = network.route("digit_1", "ink")
    network.unload("ink")
    assert network.memory < both
    assert network.route("digit_1", "classify")[0] is category
    assert network.route("digit_1", "ink")[-1] is not ink
    network.unload("digit_1")
    assert network.memory == 0
    with pytest.raises(DiagnosticError, match="unknown category or task `inc`"):
        network.unload("inc")


@pytest.mark.parametrize(
    "ask", [TransplantNetwork.run, lambda network, pictures: network.path("find_one")(pictures)]
)
def test_many_threads_load_each_module_once(
    spec: Path,
    reads: list[str],
    ask: Callable[[TransplantNetwork, torch.Tensor], object],
) -> None:
    expected = ask(TransplantNetwork.open(spec), PICTURES)
    by_one, reads[:] = list(reads), []
    network = TransplantNetwork.open(spec)
    threads = 8
    together = Barrier(threads)

    def answer(_: int) -> object:
        together.wait()
        return ask(network, PICTURES)

    with ThreadPoolExecutor(threads) as pool:
        for found in pool.map(answer, range(threads)):
            torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert Counter(reads) == Counter(by_one)


def test_threads_that_unload_and_ask_get_the_same_answers(network: TransplantNetwork) -> None:
    expected = network(PICTURES, category="digit_1", task="classify")

    def work(number: int) -> bool:
        for _ in range(5):
            answer = network(PICTURES, category="digit_1", task="classify")
            if not torch.equal(answer, expected):
                return False
            if number % 2:
                network.unload()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(4)))


def test_what_is_loaded_in_inference_mode_is_good_outside_of_it(network: TransplantNetwork) -> None:
    with torch.inference_mode():
        inside = network.path("read_one")(PICTURES)
    pictures = PICTURES.clone().requires_grad_()
    outside = network.path("read_one")(pictures)
    outside.sum().backward()
    assert torch.equal(inside, outside)
    assert pictures.grad is not None
    assert pictures.grad.abs().sum() > 0


def test_other_defaults_of_torch_change_nothing(network: TransplantNetwork) -> None:
    expected = network.run(PICTURES)
    network.unload()
    torch.set_default_dtype(torch.float64)
    try:
        found = network.run(PICTURES)
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(found[ends], answer) for ends, answer in expected.items())


def test_a_network_that_was_trained_again_is_told_apart(spec: Path, tmp_path: Path) -> None:
    spec = copy_spec(spec, tmp_path)
    network = TransplantNetwork.open(spec)
    before = network.route("digit_3", "classify")
    put(Store(tmp_path / ".legonet"), network.plan, step_of(network.plan, "net_3"), seed=7)
    network = TransplantNetwork.open(spec)
    after = network.route("digit_3", "classify")
    assert not torch.equal(after(PICTURES), before(PICTURES))


def test_a_damaged_network_says_what_to_do(spec: Path, tmp_path: Path) -> None:
    network = TransplantNetwork.open(copy_spec(spec, tmp_path))
    artifact = network.plan.network("net_1").artifact
    assert artifact is not None
    contents = bytearray(artifact.file.read_bytes())
    contents[-1] ^= 1
    artifact.file.write_bytes(contents)
    with pytest.raises(DiagnosticError) as caught:
        network.path("read_one")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO703"
    assert any("legonet build" in line for line in diagnostic.help)
    assert network(PICTURES, category="digit_3", task="classify").shape == (2, 1)
