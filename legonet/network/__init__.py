"""Artifacts to a TransplantNetwork: the built graph, ready to answer."""

from __future__ import annotations

from legonet.network.builder import Builder, Connection
from legonet.network.transplant_network import TransplantNetwork

__all__ = ["Builder", "Connection", "TransplantNetwork"]
