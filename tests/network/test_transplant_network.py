from __future__ import annotations

from pathlib import Path

import pytest
import torch
from kit.untrained import write_filled

from legonet import DiagnosticError, TransplantNetwork
from legonet.data import ask, to_tensor
from legonet.data.sources.digits import Digits
from legonet.goals.classification import Classification


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_filled(tmp_path_factory.mktemp("network"))


@pytest.fixture
def network(spec: Path) -> TransplantNetwork:
    return TransplantNetwork.open(spec)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    question = ask(Digits(), None, "1", Classification())
    return to_tensor(question.read("test").images[:8])


def test_a_route_is_the_category_module_the_adapter_the_task_module_and_the_calibration(
    network: TransplantNetwork, pictures: torch.Tensor
) -> None:
    category, adapter, task, calibration = network.route("digit_1", "classify")
    with torch.no_grad():
        answers = task(adapter(category(pictures)))
        expected = calibration(answers)
    torch.testing.assert_close(expected, calibration.scale * answers + calibration.offset)
    assert torch.equal(network(pictures, category="digit_1", task="classify"), expected)


def test_a_direct_edge_answers_as_its_network_does(
    network: TransplantNetwork, pictures: torch.Tensor
) -> None:
    category, task = network.route("digit_3", "classify")
    assert torch.equal(
        network(pictures, category="digit_3", task="classify"), task(category(pictures))
    )


def test_a_path_is_an_ordinary_frozen_module(
    network: TransplantNetwork, pictures: torch.Tensor
) -> None:
    application = network.path("read_one")
    assert isinstance(application, torch.nn.Module)
    assert not application.training
    assert not any(parameter.requires_grad for parameter in application.parameters())
    assert torch.equal(
        application(pictures), network(pictures, category="digit_1", task="classify")
    )


def test_modules_that_two_routes_share_are_loaded_once(network: TransplantNetwork) -> None:
    one, other = network.route("digit_1", "classify"), network.route("digit_3", "classify")
    shared = {id(parameter) for parameter in one[2].parameters()}
    assert shared
    assert shared == {id(parameter) for parameter in other[1].parameters()}


@pytest.mark.parametrize(
    ("ask_for", "nearest"),
    [
        (lambda network: network.path("reed_one"), "read_one"),
        (lambda network: network.route("digit_1", "clasify"), "digit_1 -> classify"),
    ],
)
def test_unknown_names_raise_with_the_nearest(
    network: TransplantNetwork, ask_for: object, nearest: str
) -> None:
    with pytest.raises(DiagnosticError) as caught:
        ask_for(network)  # type: ignore[operator]
    assert nearest in caught.value.diagnostics[0].help[0]


def test_what_is_not_built_says_so(spec: Path, tmp_path: Path) -> None:
    network = TransplantNetwork.open(spec, store=tmp_path / "empty")
    with pytest.raises(DiagnosticError) as caught:
        network.route("digit_1", "classify")
    assert caught.value.diagnostics[0].code == "LEGO709"
