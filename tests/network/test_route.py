"""A route is an ordinary module, frozen, that leaves the others alone."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn

from legonet import DiagnosticError, TransplantNetwork
from legonet.network.route import Route

PICTURES = torch.rand(2, 3, 16, 16)


@pytest.fixture
def route(network: TransplantNetwork) -> Route:
    return network.path("find_one")


def saved_and_loaded(module: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)  # type: ignore[no-any-return]


def pickled(module: nn.Module) -> nn.Module:
    return pickle.loads(pickle.dumps(module))  # type: ignore[no-any-return]


def check_frozen(route: nn.Module) -> None:
    assert not any(module.training for module in route.modules())
    assert not any(parameter.requires_grad for parameter in route.parameters())


def test_it_stays_frozen_inside_of_a_network_that_is_trained(route: Route) -> None:
    before = {name: tensor.clone() for name, tensor in route.state_dict().items()}
    whole = nn.Sequential(route, nn.Conv2d(1, 1, 1)).train()
    check_frozen(route)
    optimizer = torch.optim.SGD([item for item in whole.parameters() if item.requires_grad], 0.1)
    whole(PICTURES).sum().backward()
    optimizer.step()
    assert whole[1].training
    assert all(torch.equal(before[name], tensor) for name, tensor in route.state_dict().items())


@pytest.mark.parametrize("copy", [deepcopy, pickled, saved_and_loaded])
def test_a_copy_is_the_same_and_by_itself(
    network: TransplantNetwork, route: Route, copy: Callable[[nn.Module], nn.Module]
) -> None:
    expected = route(PICTURES)
    other = copy(route)
    check_frozen(other)
    assert torch.equal(other(PICTURES), expected)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert torch.equal(route(PICTURES), expected)
    assert torch.equal(network(PICTURES, category="digit_1", task="ink"), expected)


def test_its_state_goes_into_a_copy(network: TransplantNetwork, route: Route) -> None:
    other = deepcopy(route)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(route.state_dict())
    assert torch.equal(other(PICTURES), route(PICTURES))


def halved(route: Route) -> None:
    route.double()
    assert route(PICTURES.double()).dtype == torch.float64


def moved(route: Route) -> None:
    assert route.to("meta") is route
    assert route(PICTURES.to("meta")).is_meta


def emptied(route: Route) -> None:
    route.load_state_dict({name: item * 0 for name, item in route.state_dict().items()})
    assert not any(parameter.any() for parameter in route.parameters())


def thawed(route: Route) -> None:
    assert all(parameter.requires_grad for parameter in route.requires_grad_().parameters())


@pytest.mark.parametrize("change", [halved, moved, emptied, thawed])
def test_what_changes_it_changes_no_other(
    network: TransplantNetwork, route: Route, change: Callable[[Route], None]
) -> None:
    expected = network.run(PICTURES)
    other = network.path("find_one")
    change(route)
    assert torch.equal(other(PICTURES), expected["digit_1", "ink"])
    check_frozen(other)
    for ends, answer in network.run(PICTURES).items():
        assert torch.equal(answer, expected[ends])


def test_to_where_it_is_takes_no_memory(route: Route) -> None:
    before = {tensor.data_ptr() for tensor in route.state_dict().values()}
    assert {tensor.data_ptr() for tensor in route.to("cpu").state_dict().values()} == before


def test_gradients_reach_the_pictures(route: Route) -> None:
    pictures = PICTURES.clone().requires_grad_()
    route(pictures).sum().backward()
    assert pictures.grad is not None
    assert pictures.grad.abs().sum() > 0


def test_inference_mode_changes_no_bit(route: Route) -> None:
    expected = route(PICTURES)
    with torch.inference_mode():
        assert torch.equal(route(PICTURES), expected)


@pytest.mark.parametrize("name", ["read_one", "find_one"])
def test_compiled_it_answers_the_same(network: TransplantNetwork, name: str) -> None:
    route = network.path(name)
    # The whole way of torch.compile but for C++, which takes half a minute to be compiled.
    compiled = torch.compile(route, backend="aot_eager", fullgraph=True)
    for count in (2, 5):
        pictures = torch.rand(count, 3, 16, 16)
        torch.testing.assert_close(compiled(pictures), route(pictures), atol=1e-6, rtol=1e-5)


def test_it_can_be_traced(route: Route) -> None:
    expected = route(PICTURES)
    assert torch.equal(fx.symbolic_trace(route)(PICTURES), expected)
    exported = torch.export.export(route, (PICTURES,)).module()
    torch.testing.assert_close(exported(PICTURES), expected)


@pytest.mark.parametrize(
    ("pictures", "words", "advice"),
    [
        (PICTURES[0], "found 3x16x16", "`pictures[None]`"),
        (PICTURES.permute(0, 2, 3, 1), "found 2x16x16x3", "`pictures.permute(0, 3, 1, 2)`"),
        (PICTURES[:, :1], "found 2x1x16x16", "`pictures.expand(-1, 3, -1, -1)`"),
        (PICTURES.repeat(1, 2, 1, 1)[:, :4], "found 2x4x16x16", "`pictures[:, :3]`"),
        (torch.tensor(3.0), "found a single number", "N pictures"),
        (PICTURES[:, :2], "found 2x2x16x16", "N pictures"),
        ((PICTURES * 255).byte(), "found uint8", "legonet.data.to_tensor"),
        (PICTURES.double(), "found float64", "`pictures.to(torch.float32)`"),
        (PICTURES.numpy(), "found `ndarray`", "net.predict"),
        (None, "found `NoneType`", "net.predict"),
    ],
)
def test_other_pictures_are_refused_with_what_to_do(
    network: TransplantNetwork, route: Route, pictures: Tensor, words: str, advice: str
) -> None:
    for ask in (
        lambda: route(pictures),
        lambda: network(pictures, category="digit_1", task="ink"),
        lambda: network.run(pictures),
    ):
        with pytest.raises(DiagnosticError, match=words) as caught:
            ask()
        assert caught.value.diagnostics[0].code == "LEGO746"
        assert advice in caught.value.diagnostics[0].help[0]


def test_other_sizes_are_answered_where_the_modules_take_them(network: TransplantNetwork) -> None:
    large = torch.rand(2, 3, 24, 40)
    found = network.run(large)
    assert found["digit_1", "classify"].shape == (2, 1)
    assert found["digit_1", "ink"].shape == (2, 1, 24, 40)


@pytest.mark.parametrize("shape", [(2, 3, 15, 16), (2, 3, 1, 1), (2, 3, 0, 16)])
def test_sizes_that_they_cannot_take_are_said(
    network: TransplantNetwork, shape: tuple[int, ...]
) -> None:
    with pytest.raises(DiagnosticError, match=f"{shape[2]}x{shape[3]}") as caught:
        network(torch.rand(shape), category="digit_1", task="ink")
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "LEGO747"
    assert diagnostic.help[0] == "it was learned on 16x16"


def test_too_little_memory_is_said_in_words(
    network: TransplantNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB")

    task_module = network.route("digit_1", "ink")[-1]
    monkeypatch.setattr(type(task_module), "forward", short)
    with pytest.raises(DiagnosticError, match="too little memory for `digit_1 -> ink`") as caught:
        network(PICTURES, category="digit_1", task="ink")
    assert caught.value.diagnostics[0].code == "LEGO748"


@pytest.mark.parametrize("device", ["cuda:99", "cdua"])
def test_a_device_that_is_not_there_is_said(
    network: TransplantNetwork, spec: Path, device: str
) -> None:
    expected = network.run(PICTURES)
    for ask in (lambda: network.to(device), lambda: TransplantNetwork.open(spec, device=device)):
        with pytest.raises(DiagnosticError, match=device) as caught:
            ask()
        assert caught.value.diagnostics[0].code == "LEGO745"
    for ends, answer in network.run(PICTURES).items():
        assert torch.equal(answer, expected[ends])


def test_the_network_moves_and_a_route_that_is_held_stays(network: TransplantNetwork) -> None:
    route = network.path("find_one")
    expected = route(PICTURES)
    assert network.to("meta") is network
    assert network(PICTURES, category="digit_1", task="ink").is_meta
    assert torch.equal(route(PICTURES), expected)
    assert torch.equal(network.to("cpu").path("find_one")(PICTURES), expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU")
def test_a_gpu_answers_as_the_cpu_does(network: TransplantNetwork) -> None:
    expected = network.run(PICTURES)
    network.to("cuda")
    for ends, answer in network.run(PICTURES).items():
        assert answer.is_cuda
        torch.testing.assert_close(answer.cpu(), expected[ends], atol=1e-3, rtol=1e-3)
    route = network.path("find_one")
    assert route(PICTURES.cuda()).is_cuda
    assert not route.to("cpu")(PICTURES).is_cuda
    held = torch.cuda.memory_allocated()
    del route
    network.unload()
    assert torch.cuda.memory_allocated() < held
