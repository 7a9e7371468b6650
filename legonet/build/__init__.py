"""ModuleGraph to Plan to Artifacts: what is built, why, and where it is kept.

The package can be called: ``legonet.build("animals.lego")`` builds a spec and returns the network,
as `legonet.TransplantNetwork.build` says.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from legonet.build.events import Event, Listener
from legonet.build.planning.plan import EdgeStep, Plan, Step, edge_name
from legonet.build.report import Report
from legonet.build.result import Result
from legonet.build.storage.store import Artifact, Store
from legonet.build.workspace import STORE, Workspace

if TYPE_CHECKING:
    from legonet import TransplantNetwork

__all__ = [
    "STORE",
    "Artifact",
    "EdgeStep",
    "Event",
    "Listener",
    "Plan",
    "Report",
    "Result",
    "Step",
    "Store",
    "Workspace",
    "edge_name",
]


class _Build(ModuleType):
    """The package, which can be called."""

    def __call__(self, *arguments: Any, **options: Any) -> TransplantNetwork:
        """Build a spec and return the network; see `legonet.TransplantNetwork.build`."""
        # By way of the root, as the network stands above the build.
        import legonet

        return legonet.TransplantNetwork.build(*arguments, **options)


sys.modules[__name__].__class__ = _Build
