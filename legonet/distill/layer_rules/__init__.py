"""How pseudo-gradients pass each kind of layer: one class for a kind, in `LAYER_RULES`."""

from __future__ import annotations

from legonet.distill.layer_rules.rule import (
    LAYER_RULES,
    NO_RULE,
    Gate,
    LayerRule,
    Shape,
    layer_functions,
    rule_of,
    unusable_rules,
)

__all__ = [
    "LAYER_RULES",
    "NO_RULE",
    "Gate",
    "LayerRule",
    "Shape",
    "layer_functions",
    "rule_of",
    "unusable_rules",
]
