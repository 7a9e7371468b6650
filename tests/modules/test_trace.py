"""Tracing while other threads work with the same modules."""

from __future__ import annotations

import threading

import torch
from torch import Tensor, fx, nn

from legonet.modules.cut import bottom, top
from legonet.modules.small import small_vgg
from legonet.modules.trace import runs, trace


def test_other_threads_may_run_and_cut_the_same_network_meanwhile() -> None:
    torch.manual_seed(0)
    network = small_vgg(1).eval().requires_grad_(False)
    pictures = torch.randn(1, 3, 16, 16)
    expected = network(pictures)
    wrong: list[object] = []
    finished = threading.Event()

    def running() -> None:
        while not finished.is_set():
            answer = network(pictures)
            if not isinstance(answer, torch.Tensor) or not torch.equal(answer, expected):
                wrong.append(answer)

    def cutting() -> None:
        for _ in range(20):
            below, above = bottom(network, "features.4"), top(network, "features.4")
            if not torch.equal(above(below(pictures)), expected):
                wrong.append(below)

    runner = threading.Thread(target=running)
    cutters = [threading.Thread(target=cutting) for _ in range(3)]
    for thread in (runner, *cutters):
        thread.start()
    for thread in cutters:
        thread.join()
    finished.set()
    runner.join()
    assert not wrong
    assert torch.equal(network(pictures), expected)


def test_only_what_matters_to_the_answer_is_in_the_graph() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Sequential(nn.ReLU()))
    whole = trace(network, lambda module, name: False)
    assert list(runs(whole).values()) == ["0", "1", "2"]
    inside = trace(network, lambda module, name: name == "2")
    assert list(runs(inside).values()) == ["0", "1", "2.0"]


class Remembering(nn.Module):
    """Keeps what follows from its weights by device, as the attention of timm's LeViT does."""

    def __init__(self) -> None:
        super().__init__()
        self.offsets = nn.Parameter(torch.arange(3.0))
        self.kept: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        key = str(x.device)
        if key not in self.kept:
            self.kept[key] = self.offsets[:2]
        return x + self.kept[key]


def test_a_trace_leaves_nothing_in_what_a_module_remembers() -> None:
    module, x = Remembering().eval(), torch.ones(1, 2)
    for _ in range(2):
        graph = trace(module, lambda *_: True)
        assert module.kept == {}
        assert torch.equal(fx.GraphModule(module, graph)(x), torch.tensor([[1.0, 2.0]]))
    expected = module(x)
    assert list(module.kept) == ["cpu"]
    trace(module, lambda *_: True)
    assert list(module.kept) == ["cpu"]
    assert torch.equal(module(x), expected)
