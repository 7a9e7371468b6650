"""How good a network is on test pictures, and how an edge compares with other networks."""

from __future__ import annotations

from legonet.distill.measure.measured import Measured, as_taught, measure, measured
from legonet.distill.measure.verdict import Judged, judge

__all__ = ["Judged", "Measured", "as_taught", "judge", "measure", "measured"]
