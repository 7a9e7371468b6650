"""Real gradients: what moves the answers of two unchanged networks, on the same pictures.

Pseudo-gradients need no pictures and pass through the same random maps in both networks, which
compares units that may have nothing in common. Real gradients pass through each network's own ReLU
maps and pool switches, so it does not matter how hidden units are arranged.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.distill.edges import solve
from legonet.distill.pseudo_gradients.moments import Moments, Pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legonet.distill.edges.edge_context import EdgeContext, Named
    from legonet.modules.adapter import Adapter


def real_pairs(
    context: EdgeContext, pictures: Named, adapter: Adapter | None = None
) -> Iterator[Pairs]:
    """Yield the gradients of both task modules' answers with respect to their inputs, in batches.

    ``u = d g_S / d y`` at ``y = f_S(I)``, or at ``y = h(f(I))`` after an adapter, and
    ``v = d g_T / d x`` at ``x = f(I)``, each of the sum of all answers.

    Args:
        context: The edge.
        pictures: I.
        adapter: h; default: f_S takes its place.
    """
    edge = context.edge
    for features, own in context.paired(pictures):
        if adapter is not None:
            with torch.no_grad():
                own = adapter(features)  # noqa: PLW2901
        yield Pairs(
            input_gradient(edge.task_module, own), input_gradient(edge.teacher_top, features)
        )


def input_gradient(module: nn.Module, features: Tensor) -> Tensor:
    """Return the gradient of the sum of a module's answers with respect to its input."""
    with torch.enable_grad():
        inputs = features.detach().requires_grad_()
        # The module may begin with a layer that works in place.
        (gradient,) = torch.autograd.grad(module(inputs.clone()).sum(), inputs)
    return gradient


def least_squares(context: EdgeContext, pictures: Named) -> tuple[Tensor, Moments]:
    """Return the kernel ``(C_S, C_T, 1, 1)`` that sends u to v with the least error.

    It is scaled so that ``relu(W x)``, or ``W x`` where no ReLU follows, is as large as the task
    module is used to: gradients say what moves an answer, but nothing about how large features
    are.

    Raises:
        DiagnosticError: Nothing moves an answer, or the kernel lets nothing through (``LEGO640``).
    """
    moments = _moving(Moments.of(real_pairs(context, pictures), 1))
    kernel = solve.least_squares(moments)
    reached = wanted = 0.0
    for features, own in context.paired(pictures):
        passed = torch.einsum("oc,nchw->nohw", kernel[:, :, 0, 0], features.double().cpu())
        if context.activation == "relu":
            passed = passed.relu()
        reached += float(passed.flatten(1).norm(dim=1).sum())
        wanted += float(own.double().flatten(1).norm(dim=1).sum())
    if not 0 < reached < inf:
        raise _still("the kernel that the real gradients ask for lets no feature through")
    return kernel * (wanted / reached), moments


def assignment(context: EdgeContext, pictures: Named, adapter: Adapter) -> tuple[Tensor, Moments]:
    """Return the kernel of an assignment by real gradients on both sides of an adapter.

    It has the scale of an adapter's first conv after the re-scaling layer.

    Raises:
        DiagnosticError: Nothing moves an answer (``LEGO640``).
    """
    moments = _moving(Moments.of(real_pairs(context, pictures, adapter), 1))
    return solve.assignment(moments) * (moments.student_norm / moments.teacher_norm), moments


def _moving(moments: Moments) -> Moments:
    for side, norm in (("task module", moments.student_norm), ("teacher", moments.teacher_norm)):
        if not 0 < norm < inf:
            raise _still(f"the real gradients of the {side} have a mean norm of {norm:g}")
    return moments


def _still(message: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO640",
        message,
        label="nothing to match",
        help=["begin with `stitching`, which needs no gradients", "check the networks' weights"],
    )
