"""What a machine has: cores, memory, how much of them one job takes, and what sets its bits."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass, field
from pathlib import Path

THREADS = 2
"""Threads that torch uses for a job, unless the environment says otherwise.

It is the same on all machines and for any number of jobs, because summing in another order gives
other bits.
"""

JOBS_ON_A_GPU = 4
"""Jobs at once on a GPU, at most; a single one leaves it idle between small kernels."""

SHARE = 0.75
"""Share of the available memory that is used by default."""

Environment = dict[str, str | int]
"""What the bits of a result depend on besides its content key: values of JSON."""

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
"""How torch's threads wait for each other: asleep.

By default they spin, which takes the cores from whoever else has work. Beside a second process,
the same convolutions then take three to six times as long. It changes no bit of a result.
"""


def cores() -> int:
    """Return how many cores this process may use: of its affinity, and of its cgroup's share."""
    allowed = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    share = _share_of_cgroup()
    return allowed if share is None else max(1, min(allowed, round(share)))


def _share_of_cgroup(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return the cores whose time a container may take together, or None for no limit.

    Args:
        root: Where control groups are mounted.
    """
    parts = _words(root / "cpu.max")
    if not parts:
        files = ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")
        parts = tuple(word for file in files for word in _words(root / file))
    if len(parts) != 2 or not all(part.isdecimal() and int(part) for part in parts):
        return None
    quota, period = map(int, parts)
    return quota / period


def _words(file: Path) -> tuple[str, ...]:
    try:
        return tuple(file.read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError):
        return ()


def threads_per_order() -> int:
    """Return how many threads torch uses for a job on the CPU."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) > 0 else THREADS


def default_jobs(device: str) -> int:
    """Return how many jobs run at once on a device by default."""
    if device != "cpu":
        return min(JOBS_ON_A_GPU, cores())
    return max(1, cores() // threads_per_order())


def memory_at_hand(device: str = "cpu") -> int | None:
    """Return the bytes that a build may use, or None where that is unknown.

    Args:
        device: ``cpu`` for main memory; any other device for its own memory.
    """
    if device != "cpu":
        import torch

        return int(torch.cuda.mem_get_info(device)[0] * SHARE)
    found = machine_memory()
    return None if found is None else int(found * SHARE)


def machine_memory() -> int | None:
    """Return the bytes of main memory that this machine or container has; None if unknown."""
    found = []
    if "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limit = Path(file).read_text(encoding="ascii").strip()
        except OSError:
            continue
        if limit.isdecimal():
            found.append(int(limit))
    return min(found, default=None)


def bytes_of(text: str) -> int:
    """Read an amount of memory, such as ``8GiB``, ``500 MB`` or ``1.5g``.

    Raises:
        ValueError: It is not an amount of memory.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    units = _UNITS | _BINARY_UNITS
    if match is None or match[2] not in units:
        raise ValueError(f"expected an amount of memory such as 8GiB or 500MB, found `{text}`")
    return int(float(match[1]) * units[match[2]])


def environment(device: str) -> Environment:
    """Return what computes on a device; on the CPU, equal environments give equal bits.

    Args:
        device: ``cpu``, ``cuda`` or ``cuda:1``.
    """
    import torch

    found: Environment = {"torch": torch.__version__, "device": device}
    if torch.device(device).type == "cuda":
        return found | {"gpu": torch.cuda.get_device_name(device)}
    return found | {
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
    }


@dataclass(frozen=True)
class Resources:
    """What a build computes with.

    Args:
        device: Where torch computes: ``cpu``, ``cuda`` or ``cuda:1``.
        jobs: How many jobs at once; 0 for as many as a cluster takes.
        threads: How many threads torch uses for a job on the CPU.
        memory: Bytes that all jobs may take together; None for no limit.
        executor: The name of what runs jobs, such as ``processes``, ``threads`` or ``ray``.
        address: Of a cluster; None for the one on this machine.
    """

    device: str = "cpu"
    jobs: int = 1
    threads: int = field(default_factory=threads_per_order)
    memory: int | None = None
    executor: str = "threads"
    address: str | None = None
