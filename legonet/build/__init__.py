"""ModuleGraph to Plan to Artifacts: what is built, why, and where it is kept."""

from __future__ import annotations

from legonet.build.events import Event, Listener
from legonet.build.planning.plan import EdgeStep, Plan, Step, edge_name
from legonet.build.report import Report
from legonet.build.result import Result
from legonet.build.storage.store import Artifact, Store
from legonet.build.workspace import STORE, Workspace

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
