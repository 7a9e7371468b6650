"""ModuleGraph to Plan to Artifacts: what is built, why, and where it is kept."""

from __future__ import annotations

from legonet.building.events import Event, Listener
from legonet.building.planning.plan import EdgeStep, JointStep, NetworkStep, Plan, Step
from legonet.building.report import Report
from legonet.building.result import Result
from legonet.building.storage.store import Artifact, Store
from legonet.building.workspace import STORE, Workspace

__all__ = [
    "STORE",
    "Artifact",
    "EdgeStep",
    "Event",
    "JointStep",
    "Listener",
    "NetworkStep",
    "Plan",
    "Report",
    "Result",
    "Step",
    "Store",
    "Workspace",
]
