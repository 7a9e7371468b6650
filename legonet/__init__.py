"""One neural network out of many: frozen modules joined by adapters.

The way of the data, a package a stage: text (`legonet.syntax`) to Spec (`legonet.spec`) to
ModuleGraph (`legonet.graph`) to Plan and Artifact (`legonet.build`) to TransplantNetwork
(`legonet.network`). Names are loaded when they are first used, so that ``import legonet`` is
quick and never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from legonet.build import Workspace
    from legonet.diagnostics import Diagnostic, DiagnosticError
    from legonet.graph import ModuleGraph, load
    from legonet.network import Builder, TransplantNetwork

__version__ = "0.1.0"

_HOMES = {
    "Builder": "legonet.network",
    "Diagnostic": "legonet.diagnostics",
    "DiagnosticError": "legonet.diagnostics",
    "ModuleGraph": "legonet.graph",
    "TransplantNetwork": "legonet.network",
    "Workspace": "legonet.build",
    "load": "legonet.graph",
}

__all__ = [
    "Builder",
    "Diagnostic",
    "DiagnosticError",
    "ModuleGraph",
    "TransplantNetwork",
    "Workspace",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'legonet' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
