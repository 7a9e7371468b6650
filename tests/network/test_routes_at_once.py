"""Many routes at once: what they share is computed once, and the answers are those of each."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from kit.specs import ROUTES, SEGMENTING
from kit.untrained import copy_spec, open_filled
from torch import Tensor, nn

from legonet import DiagnosticError, TransplantNetwork

PICTURES = torch.rand(3, 3, 16, 16)


def check_same(network: TransplantNetwork, found: dict[tuple[str, str], Tensor]) -> None:
    for (category, task), answer in found.items():
        alone = network(PICTURES, category=category, task=task)
        torch.testing.assert_close(answer, alone, atol=1e-5, rtol=1e-5)


def test_all_routes_answer_as_each_does_alone(network: TransplantNetwork) -> None:
    found = network.run(PICTURES)
    assert list(found) == ROUTES
    check_same(network, found)


def test_each_shared_module_is_run_once(network: TransplantNetwork) -> None:
    calls: Counter[nn.Module] = Counter()
    sizes: dict[nn.Module, int] = {}

    def count(module: nn.Module, given: tuple[Tensor, ...], answer: Tensor) -> None:
        calls[module] += 1
        sizes[module] = len(given[0])

    ways = {ends: list(network.route(*ends)) for ends in ROUTES}
    modules = {module for way in ways.values() for module in way}
    hooks = [module.register_forward_hook(count) for module in modules]
    network.run(PICTURES)
    for hook in hooks:
        hook.remove()
    assert len(modules) == 10, "two category and two task modules, three adapters, calibrated"
    assert set(calls.values()) == {1}
    assert set(calls) == modules
    assert {sizes[way[0]] for way in ways.values()} == {3}
    task_modules = {way[1 if len(way) == 2 else 2] for way in ways.values()}
    assert {sizes[module] for module in task_modules} == {6}, "features of both, in one batch"


@pytest.mark.parametrize(
    ("categories", "tasks", "expected"),
    [
        (["digit_1"], None, [ROUTES[1], ROUTES[3]]),
        (None, ["ink"], ROUTES[2:]),
        (None, "ink", ROUTES[2:]),
        (("digit_1",), ("ink", "classify"), [ROUTES[1], ROUTES[3]]),
        (iter(["digit_1", "digit_1"]), "ink", [ROUTES[3]]),
    ],
)
def test_names_choose_the_routes(
    network: TransplantNetwork,
    categories: object,
    tasks: object,
    expected: list[tuple[str, str]],
) -> None:
    found = network.run(PICTURES, categories=categories, tasks=tasks)  # type: ignore[arg-type]
    assert list(found) == expected
    check_same(network, found)


def test_no_picture_has_no_answer(network: TransplantNetwork) -> None:
    found = network.run(PICTURES[:0])
    assert [tuple(answer.shape) for answer in found.values()] == [
        *[(0, 1)] * 2,
        *[(0, 1, 16, 16)] * 2,
    ]


def test_two_names_of_one_module_run_it_once(tmp_path: Path) -> None:
    twin = (
        "category twin { from: net_1, until: cut }\nadapter twin -> classify { layers: [conv(1)] }"
    )
    network = open_filled(tmp_path, SEGMENTING + twin)
    one, other = network.route("digit_1", "classify"), network.route("twin", "classify")
    assert list(one) == list(other)
    calls: Counter[nn.Module] = Counter()
    hooks = [
        module.register_forward_hook(lambda module, *_: calls.update([module])) for module in one
    ]
    found = network.run(PICTURES, tasks="classify", categories=["digit_1", "twin"])
    for hook in hooks:
        hook.remove()
    assert [calls[module] for module in one] == [1, 1, 1, 1]
    assert torch.equal(found["digit_1", "classify"], found["twin", "classify"])


@pytest.mark.parametrize(
    ("names", "nearest"),
    [
        ({"categories": ["digit_11"]}, "`digit_1`"),
        ({"tasks": "clasify"}, "`classify`"),
        ({"categories": "digit_1", "tasks": ["ink", "inc"]}, "`ink`"),
    ],
)
def test_an_unknown_name_raises_with_the_nearest(
    network: TransplantNetwork, names: dict[str, object], nearest: str
) -> None:
    with pytest.raises(DiagnosticError, match="unknown") as caught:
        network.run(PICTURES, **names)  # type: ignore[arg-type]
    assert caught.value.diagnostics[0].code == "LEGO708"
    assert nearest in caught.value.diagnostics[0].help[0]


@pytest.fixture
def part_built(spec: Path, tmp_path: Path) -> TransplantNetwork:
    spec = copy_spec(spec, tmp_path)
    network = TransplantNetwork.open(spec)
    step = network.plan.edge("digit_1", "ink")
    assert step is not None
    assert step.artifact is not None
    step.artifact.file.unlink()
    return TransplantNetwork.open(spec)


def test_what_is_not_built_is_passed_over_unless_it_is_named(part_built: TransplantNetwork) -> None:
    assert list(part_built.run(PICTURES)) == ROUTES[:3]
    assert list(part_built.run(PICTURES, categories="digit_1")) == [ROUTES[1]]
    for ask in (
        lambda: part_built.run(PICTURES, categories="digit_1", tasks="ink"),
        lambda: part_built(PICTURES, category="digit_1", task="ink"),
        lambda: part_built.path("find_one"),
    ):
        with pytest.raises(DiagnosticError, match="`digit_1 -> ink` is not built") as caught:
            ask()
        (diagnostic,) = caught.value.diagnostics
        assert diagnostic.code == "LEGO709"
        assert "run `legonet build" in diagnostic.help[0]
        assert "built.lego" in diagnostic.help[0]


def test_an_edge_between_named_modules_has_to_be_in_the_spec(tmp_path: Path) -> None:
    network = open_filled(tmp_path, SEGMENTING.replace("adapter digit_3 -> classify\n", ""))
    with pytest.raises(DiagnosticError, match="`digit_3`"):
        network.run(PICTURES, categories=["digit_1", "digit_3"], tasks="classify")


def test_nothing_built_at_all_is_said_once(tmp_path: Path) -> None:
    spec = tmp_path / "built.lego"
    spec.write_text(SEGMENTING)
    network = TransplantNetwork.open(spec)
    with pytest.raises(DiagnosticError, match="none of 4 edges is built") as caught:
        network.run(PICTURES)
    assert caught.value.diagnostics[0].code == "LEGO709"
