"""The last hidden features of a task module: what it makes of features, before its last layer."""

from __future__ import annotations

from torch import Tensor, fx, nn
from torch.nn import functional

from legonet.distill.pseudo_gradients.operations import is_layer
from legonet.modules.trace import TraceError, tidy, trace

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d)
"""Layers with weights that could be a network's last."""

WEIGHTED_FUNCTIONS = (functional.linear, functional.conv2d)
"""The same as functions."""


def hidden_features(task_module: nn.Module) -> nn.Module:
    """Return a task module up to its last layer with weights.

    It takes what the task module takes and returns the input of its last linear or convolutional
    layer, ``(N, ..)``. A module that is not a graph of layers, or that has no such layer, is
    returned as it is: its answer is the last thing known about it.

    Args:
        task_module: g_S, frozen; it is not changed, and its weights are shared.
    """
    found = _to_last_layer(task_module)
    if found is None:
        return task_module
    graph, hidden = found
    (output,) = (node for node in graph.nodes if node.op == "output")
    output.args = (hidden,)
    tidy(graph)
    return fx.GraphModule(task_module, graph, class_name="HiddenFeatures")


def with_hidden_features(task_module: nn.Module) -> nn.Module:
    """Return a task module that gives its hidden features and its answer, in one pass.

    Args:
        task_module: As for `hidden_features`.
    """
    found = _to_last_layer(task_module)
    if found is None:
        return _Twice(task_module)
    graph, hidden = found
    (output,) = (node for node in graph.nodes if node.op == "output")
    with graph.inserting_after(hidden):
        # What comes after them may work in place.
        kept = graph.call_method("clone", (hidden,))
    output.args = ((kept, output.args[0]),)
    return fx.GraphModule(task_module, graph, class_name="WithHiddenFeatures")


class _Twice(nn.Module):
    """A module whose answer is the last thing known about it: it stands for its hidden features."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        answer: Tensor = self.module(features)
        return answer, answer


def _to_last_layer(task_module: nn.Module) -> tuple[fx.Graph, fx.Node] | None:
    """Return a module's graph and the input of its last layer with weights, if it has both."""
    try:
        graph = trace(task_module, lambda item, _: not is_layer(item))
    except TraceError:
        return None
    last = [node for node in graph.nodes if _is_weighted(task_module, node)]
    if not last:
        return None
    hidden = last[-1].args[0] if last[-1].args else last[-1].kwargs["input"]
    return (graph, hidden) if isinstance(hidden, fx.Node) else None


def _is_weighted(module: nn.Module, node: fx.Node) -> bool:
    if node.op == "call_module":
        return isinstance(module.get_submodule(str(node.target)), WEIGHTED)
    return node.target in WEIGHTED_FUNCTIONS
