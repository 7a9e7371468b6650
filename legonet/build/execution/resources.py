"""What a machine has: cores, memory, and how much of them one order takes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from legonet.build.execution.executor import Executor, Inbox
    from legonet.build.storage.store import Store

THREADS = 2
"""Threads in which torch computes an order, unless the environment says otherwise.

It is the same on all machines and for any number of jobs, as sums in another order have other bits.
"""

JOBS_ON_A_GPU = 4
"""Orders at once on a GPU, at most: one alone leaves it idle between small kernels."""

SHARE = 0.75
"""Of the memory that is there, used unless a limit is given."""

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_per_order() -> int:
    """Return in how many threads torch computes an order on the CPU."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) > 0 else THREADS


def default_jobs(device: str) -> int:
    """Return how many orders are filled at once on a device, unless somebody says otherwise."""
    if device != "cpu":
        return min(JOBS_ON_A_GPU, cores())
    return max(1, cores() // threads_per_order())


def memory_at_hand(device: str = "cpu") -> int | None:
    """Return the bytes that a build may use, or None where nobody knows.

    Args:
        device: Of the main memory for ``cpu``, of the device's own for others.
    """
    if device != "cpu":
        import torch

        return int(torch.cuda.mem_get_info(device)[0] * SHARE)
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
    return int(min(found) * SHARE) if found else None


def bytes_of(text: str) -> int:
    """Read an amount of memory, such as ``8GiB``, ``500 MB`` or ``1.5g``.

    Raises:
        ValueError: It is none.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    units = _UNITS | _BINARY_UNITS
    if match is None or match[2] not in units:
        raise ValueError(f"expected an amount of memory such as 8GiB or 500MB, found `{text}`")
    return int(float(match[1]) * units[match[2]])


@dataclass(frozen=True)
class Resources:
    """With what a build computes.

    Args:
        device: Where torch computes: ``cpu``, ``cuda`` or ``cuda:1``.
        jobs: How many orders at once; 0 for as many as a cluster takes.
        threads: In how many threads torch computes an order on the CPU.
        memory: Bytes that all orders may take together; None for no limit.
        executor: ``processes``, ``threads`` of this process, or a ``ray`` cluster.
        address: Of the Ray cluster; None for the one that is at hand.
    """

    device: str = "cpu"
    jobs: int = 1
    threads: int = field(default_factory=threads_per_order)
    memory: int | None = None
    executor: Literal["processes", "threads", "ray"] = "threads"
    address: str | None = None

    @classmethod
    def of_machine(
        cls,
        device: str = "cpu",
        jobs: int | None = None,
        memory: int | None = None,
    ) -> Resources:
        """Return what this machine has for a device.

        Args:
            device: Where torch computes.
            jobs: How many orders at once, if not as many as the device can take.
            memory: The limit, if not most of what the device has.
        """
        return cls(
            device,
            jobs or default_jobs(device),
            memory=memory or memory_at_hand(device),
            # On a GPU orders in one process share its memory, and each has a stream.
            executor="processes" if device == "cpu" else "threads",
        )

    @classmethod
    def of_cluster(
        cls,
        device: str = "cpu",
        jobs: int | None = None,
        memory: int | None = None,
        address: str | None = None,
    ) -> Resources:
        """Return what a Ray cluster has for a device.

        Args:
            device: Where torch computes: ``cpu`` or ``cuda``.
            jobs: How many orders at once, if not as many as the cluster can take.
            memory: The limit for all orders together, if not what each node has.
            address: Of the cluster; None for the one that is at hand.
        """
        return cls(device, jobs or 0, memory=memory, executor="ray", address=address)

    def open(self, store: Store, inbox: Inbox) -> Executor:
        """Return an executor.

        Args:
            store: Where artifacts go.
            inbox: Where messages go.

        Raises:
            DiagnosticError: There is no such cluster.
        """
        if self.executor == "ray":
            from legonet.build.execution.cluster import RayExecutor

            return RayExecutor(store, inbox, self)
        if self.executor == "processes":
            from legonet.build.execution.processes import ProcessExecutor

            return ProcessExecutor(
                store,
                inbox,
                device=self.device,
                places=self.jobs,
                threads=self.threads,
                memory=self.memory,
            )
        from legonet.build.execution.threads import ThreadExecutor

        return ThreadExecutor(
            store,
            inbox,
            device=self.device,
            places=self.jobs,
            threads=self.threads,
            memory=self.memory,
        )
