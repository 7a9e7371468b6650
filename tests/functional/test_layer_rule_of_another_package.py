"""Pseudo-gradients pass a layer of another package by the rule that it registers."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import torch
from kit.specs import broken, build_of, write_spec
from torch import nn

from legonet.building.planning.shapes import check_shapes
from legonet.diagnostics import DiagnosticError
from legonet.distill.pseudo_gradients.operations import has_surrogate, linear_graph
from legonet.distill.pseudo_gradients.surrogate import Gates, Surrogate
from legonet.graph import load

PLUGIN = Path(__file__).parents[1] / "plugin"

SPEC = """
data pictures { source: digits() }
for digit in ["1", "3"] {
  network net_${digit} {
    model: steep(classes: 1)
    train { data: pictures, category: digit, epochs: 1, seed: 0 }
  }
}
category one { from: net_1, until: "features" }
task find { from: net_3, after: "features" }
adapter one -> find { method: back_distillation(steps: 2, pairs: 16) }
"""


@pytest.fixture
def other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with a layer rule."""
    monkeypatch.syspath_prepend(PLUGIN)
    importlib.invalidate_caches()


def steep(seed: int = 0) -> nn.Module:
    from two_slopes import TwoSlopes

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = (nn.Conv2d(3, 4, 3, padding=1), TwoSlopes(), nn.Conv2d(4, 2, 3), nn.ReLU())
        return nn.Sequential(*layers).eval().requires_grad_(False)


@pytest.mark.usefixtures("other_package")
def test_pseudo_gradients_through_its_own_maps_are_the_layers_real_gradients() -> None:
    module, seen = steep(), torch.randn(2, 3, 6, 6)
    surrogate = Surrogate.of(module, (3, 6, 6))
    gates = surrogate.real_gates(seen)
    assert [tuple(gate.shape) for gate in gates.relus if gate is not None] == [
        (2, 4, 6, 6),
        (2, 2, 4, 4),
    ]
    given = torch.randn(2, 2, 4, 4)
    inputs = seen.clone().requires_grad_()
    (expected,) = torch.autograd.grad(module(inputs), inputs, given)
    torch.testing.assert_close(surrogate.pseudo_gradient(given, gates), expected)
    identities = surrogate.pseudo_gradient(given, Gates((None, None)))
    plain = nn.Sequential(module[0], module[2])
    (expected,) = torch.autograd.grad(plain(inputs), inputs, given)
    torch.testing.assert_close(identities, expected)


def test_without_its_package_the_layer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGIN)
    module = steep()
    assert has_surrogate(module)
    monkeypatch.undo()
    assert not has_surrogate(module)


@pytest.mark.usefixtures("other_package")
def test_a_rule_that_cannot_be_used_is_named_where_a_layer_has_none() -> None:
    with pytest.raises(DiagnosticError) as refused:
        linear_graph(nn.Sequential(nn.Linear(2, 2), nn.Sigmoid()))
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "LEGO601"
    assert "`unready_rule` cannot be used: ModuleNotFoundError" in diagnostic.help[-1]


@pytest.mark.usefixtures("other_package")
def test_shapes_are_checked_and_an_edge_is_built_through_it(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SPEC)
    assert check_shapes(load(spec)) == []
    report = build_of(spec)
    assert broken(report) == []
    (edge,) = report.edges
    assert edge.artifact is not None
    learned = json.loads(json.dumps(edge.artifact.certificate["learned"]))
    assert learned["held_out_residual"] <= learned["held_out_residual_of_start"] + 1e-6
    assert 0 < learned["residual"] < 1
