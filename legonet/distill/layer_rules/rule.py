"""What all layer rules have in common, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from legonet.registry import Registry, UnusableError

Layers = tuple[type[nn.Module], ...]
Functions = Mapping[Any, Callable[..., nn.Module]]
"""Functions and names of methods, and what makes a layer of their arguments."""

GateKind = Literal["map", "positions", "statistics"]
Gate = Tensor | None
Shape = tuple[int, ...]


class LayerRule:
    """How pseudo-gradients pass a kind of layer.

    Another package registers a subclass at the entry point ``legonet.layer_rules``, by any name.

    Attributes:
        layers: The layers that it serves.
        functions: Functions and names of methods that do the same, and what makes a layer of their
            arguments.
        gate: What decides what passes: a ``map`` of ones and zeros as for a ReLU, or of slopes; the
            ``positions`` that are picked as for a max-pool; the ``statistics`` of a normalisation;
            or nothing, where the layer is affine in evaluation.
        keeps_shape: Whether its output has the shape of its input.
        draws: Whether it may draw random numbers while it is trained.
        approximate: Whether pseudo-gradients differ from gradients even if the gate is the layer's
            own, or the gate is more than ones and zeros; `transplant()` does not try them.
    """

    layers: ClassVar[Layers] = ()
    functions: ClassVar[Functions] = {}
    gate: ClassVar[GateKind | None] = None
    keeps_shape: ClassVar[bool] = False
    draws: ClassVar[bool] = True
    approximate: ClassVar[bool] = False

    def serves(self, layer: nn.Module) -> bool:
        """Return whether the rule is about a layer."""
        return isinstance(layer, self.layers)

    def passes(self, layer: nn.Module) -> bool:  # noqa: ARG002 - most layers have no such options
        """Return whether pseudo-gradients can pass a layer with its options."""
        return True

    def back(self, layer: Any, shape: Shape, given: Tensor, gate: Gate) -> Tensor | None:  # noqa: ARG002
        """Return the gradient for a layer's only input, or None where autograd has to find it.

        Args:
            layer: The layer, in evaluation.
            shape: Shape of its input with the batch axis.
            given: The gradient with respect to its output.
            gate: A map that broadcasts to its input, the positions that it picks, its statistics,
                or None for the paper's first kind: the identity for a ReLU, average-pool for a
                max-pool, a deviation of 1 for a layer norm.
        """
        return None

    def linear(self, layer: nn.Module, values: Tensor) -> Tensor:
        """Return what autograd goes back through where `back` returns None.

        Args:
            layer: The layer.
            values: Its input.
        """
        found: Tensor = layer(values)
        return found

    def opened(self, layer: nn.Module, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output of a layer that has a gate, and the gate; the input is not changed.

        Args:
            layer: The layer.
            values: Its input.
        """
        raise NotImplementedError(f"{type(self).__name__} has no gate for {type(layer).__name__}")


class TorchRule(LayerRule):
    """A rule for layers of torch itself; another package's subclass may compute something else."""

    draws = False

    def serves(self, layer: nn.Module) -> bool:
        """Return whether the rule is about a layer."""
        return type(layer).__module__.startswith("torch.nn") and super().serves(layer)


class NoRule(LayerRule):
    """Layers without a rule: no pseudo-gradient passes them."""

    def passes(self, layer: nn.Module) -> bool:  # noqa: ARG002
        """Return False."""
        return False


NO_RULE = NoRule()
"""The rule of all layers that have none."""

LAYER_RULES: Registry[LayerRule] = Registry(
    LayerRule,
    "legonet.layer_rules",
    {
        "relu": "legonet.distill.layer_rules.relu:ReluRule",
        "hardtanh": "legonet.distill.layer_rules.relu:HardtanhRule",
        "leaky_relu": "legonet.distill.layer_rules.relu:LeakyReluRule",
        "prelu": "legonet.distill.layer_rules.relu:PReluRule",
        "max_pool": "legonet.distill.layer_rules.max_pool:MaxPoolRule",
        "adaptive_max_pool": "legonet.distill.layer_rules.max_pool:AdaptiveMaxPoolRule",
        "smooth": "legonet.distill.layer_rules.smooth:SmoothRule",
        "layer_norm": "legonet.distill.layer_rules.layer_norm:LayerNormRule",
        "identity": "legonet.distill.layer_rules.affine:IdentityRule",
        "dropout": "legonet.distill.layer_rules.affine:DropoutRule",
        "linear": "legonet.distill.layer_rules.affine:LinearRule",
        "batch_norm": "legonet.distill.layer_rules.affine:BatchNormRule",
        "conv": "legonet.distill.layer_rules.affine:ConvRule",
        "affine": "legonet.distill.layer_rules.affine:AffineRule",
    },
)
"""The rules; other packages add theirs at the entry point ``legonet.layer_rules``."""


def rule_of(layer: nn.Module) -> LayerRule:
    """Return the rule for a layer, legonet's own first, or `NO_RULE`."""
    rules, _ = _loaded(LAYER_RULES.names)
    return next((rule for rule in rules if rule.serves(layer)), NO_RULE)


def layer_functions() -> Functions:
    """Return the functions that do what a layer does, and what makes it of their arguments."""
    return _functions(LAYER_RULES.names)


def unusable_rules() -> Mapping[str, str]:
    """Return why the rules of some packages cannot be used, by their names."""
    return _loaded(LAYER_RULES.names)[1]


@cache
def _functions(names: tuple[str, ...]) -> Functions:
    rules, _ = _loaded(names)
    return {target: make for rule in reversed(rules) for target, make in rule.functions.items()}


@cache
def _loaded(names: tuple[str, ...]) -> tuple[tuple[LayerRule, ...], Mapping[str, str]]:
    """Return the rules of these names, and why the others cannot be used.

    A package that is broken spoils its own layers alone: they are refused with this reason.
    """
    rules, unusable = [], {}
    for name in names:
        try:
            rules.append(LAYER_RULES.get(name)())
        except UnusableError as error:
            unusable[name] = str(error)
    return tuple(rules), unusable
