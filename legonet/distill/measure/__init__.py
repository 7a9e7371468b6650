"""How good a network is on test pictures, and how an edge compares with other networks."""

from __future__ import annotations

from legonet.distill.measure.measured import Measured, as_taught, measure, measured
from legonet.distill.measure.verdict import Judged, hardly_answered, judge

__all__ = ["Judged", "Measured", "as_taught", "hardly_answered", "judge", "measure", "measured"]
