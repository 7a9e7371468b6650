"""Frozen modules: the modules that an adapter joins never change."""

from __future__ import annotations

from functools import partial
from typing import TypeVar

from torch import nn

ModuleT = TypeVar("ModuleT", bound=nn.Module)


def freeze(module: ModuleT) -> ModuleT:
    """Freeze a module in place and return it: evaluation mode, no gradients, permanently.

    Calling ``train()`` on the module, or on a network that contains it, leaves it in evaluation
    mode: otherwise training an adapter would switch on dropout and move the running means of the
    modules around it. Copies and pickles of the module stay frozen too.
    """
    module.requires_grad_(False).eval()
    # On the instance, so that the module keeps its type and the names of its parameters.
    module.train = partial(_stay, module)  # type: ignore[method-assign]
    return module


def _stay(module: ModuleT, mode: bool = True) -> ModuleT:  # noqa: ARG001 - train's signature
    return module
