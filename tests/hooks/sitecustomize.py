"""What Python imports at its start where PYTHONPATH leads here: in the workers of real builds."""

from __future__ import annotations

import sys

from fragile import make_fragile

if "legonet.building.execution.worker" in sys.orig_argv:
    make_fragile("worker")
