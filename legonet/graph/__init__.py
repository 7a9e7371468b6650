"""Spec to ModuleGraph: what is joined with what, whether it may be, and how it is edited."""

from __future__ import annotations

from legonet.graph.difference import FieldChange, GraphDifference
from legonet.graph.load import check_file, load
from legonet.graph.module_graph import ModuleGraph
from legonet.graph.rules import check_graph
from legonet.graph.state import EdgeState, State
from legonet.graph.statements import Value

__all__ = [
    "EdgeState",
    "FieldChange",
    "GraphDifference",
    "ModuleGraph",
    "State",
    "Value",
    "check_file",
    "check_graph",
    "load",
]
