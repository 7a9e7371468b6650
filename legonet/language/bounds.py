"""The largest numbers that a spec may ask for: what is larger is a slip, and could not work."""

from __future__ import annotations

LARGEST_SEED = 2**63 - 1
"""Torch takes no seed of more than 64 bits."""

LARGEST_BATCH = 65_536
"""Pictures of one step."""

MOST_STEPS = 10**9
"""Steps, epochs and pictures."""
