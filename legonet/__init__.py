"""One neural network out of many: frozen modules joined by adapters.

The way of the data, a package a stage: text (`legonet.syntax`) to Spec (`legonet.language`) to
ModuleGraph (`legonet.graph`) to Plan and Artifact (`legonet.building`) to TransplantNetwork
(`legonet.network`). Names are loaded when they are first used, so that ``import legonet`` is
quick and never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from legonet._version import __version__
from legonet.notebook import drawings

if TYPE_CHECKING:
    from legonet.building import Plan, Report, Result, Workspace
    from legonet.diagnostics import Diagnostic, DiagnosticError
    from legonet.graph import GraphDifference, ModuleGraph, load
    from legonet.network import Builder, TransplantNetwork
    from legonet.network.export import open_bundle
    from legonet.render import Picture, draw

    build = TransplantNetwork.build

_HOMES = {
    "Builder": "legonet.network",
    "Diagnostic": "legonet.diagnostics",
    "DiagnosticError": "legonet.diagnostics",
    "GraphDifference": "legonet.graph",
    "ModuleGraph": "legonet.graph",
    "Picture": "legonet.render",
    "Plan": "legonet.building",
    "Report": "legonet.building",
    "Result": "legonet.building",
    "TransplantNetwork": "legonet.network",
    "Workspace": "legonet.building",
    "draw": "legonet.render",
    "load": "legonet.graph",
    "open_bundle": "legonet.network.export",
}

__all__ = [
    "Builder",
    "Diagnostic",
    "DiagnosticError",
    "GraphDifference",
    "ModuleGraph",
    "Picture",
    "Plan",
    "Report",
    "Result",
    "TransplantNetwork",
    "Workspace",
    "__version__",
    "build",
    "draw",
    "load",
    "open_bundle",
]


def __getattr__(name: str) -> Any:
    if name == "build":
        return __getattr__("TransplantNetwork").build
    if name not in _HOMES:
        raise AttributeError(f"module 'legonet' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def _drawn(graph: ModuleGraph) -> str:
    from legonet.render import draw

    return draw(graph).svg()


drawings["graph"] = _drawn
