"""Artifacts to a TransplantNetwork: the built graph, ready to answer."""

from __future__ import annotations

from legonet.network.transplant_network import TransplantNetwork

__all__ = ["TransplantNetwork"]
