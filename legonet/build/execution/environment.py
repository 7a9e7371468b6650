"""What the bits of a result depend on beside its content key."""

from __future__ import annotations

import platform

import torch

Environment = dict[str, str | int]
"""Values of JSON."""


def environment(device: str) -> Environment:
    """Return what computes on a device: the same environment gives the same bits on the CPU.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:1``.
    """
    found: Environment = {"torch": torch.__version__, "device": device}
    if torch.device(device).type == "cuda":
        return found | {"gpu": torch.cuda.get_device_name(device)}
    return found | {
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
    }
