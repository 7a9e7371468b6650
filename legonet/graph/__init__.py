"""Spec to ModuleGraph: what is joined with what, and whether it may be."""

from __future__ import annotations

from legonet.graph.load import check_file, load
from legonet.graph.module_graph import ModuleGraph
from legonet.graph.rules import check_graph
from legonet.graph.state import EdgeState, State

__all__ = ["EdgeState", "ModuleGraph", "State", "check_file", "check_graph", "load"]
