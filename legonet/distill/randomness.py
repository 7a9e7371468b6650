"""Random numbers that depend only on a spec's seed."""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, purpose: str) -> torch.Generator:
    """Return a generator on the CPU for one purpose.

    Each purpose has its own stream, so leaving out one step does not change any other.

    Args:
        seed: The edge's seed.
        purpose: What the numbers are for.
    """
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
