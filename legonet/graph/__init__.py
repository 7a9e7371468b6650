"""Turns a Spec into a ModuleGraph: what is joined to what, whether it may be, and edits of it."""

from __future__ import annotations

from legonet.graph.difference import FieldChange, GraphDifference
from legonet.graph.edits import Value
from legonet.graph.load import check_file, load
from legonet.graph.module_graph import ModuleGraph
from legonet.graph.rules import check_graph
from legonet.graph.state import EdgeState, State

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
