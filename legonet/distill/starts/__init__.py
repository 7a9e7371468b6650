"""The starts of an adapter, by the words after ``init:``: one class for each, in `STARTS`.

None of them imports torch before it begins an edge, so that a spec is read without it.
"""

from __future__ import annotations

from legonet.distill.starts.start import STARTS, InitialAdapter, Start, StartName

__all__ = ["STARTS", "InitialAdapter", "Start", "StartName"]
