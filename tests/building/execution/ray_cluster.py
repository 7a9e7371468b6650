"""A Ray cluster of several nodes on this machine, and builds on it."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from legonet.building import Listener, Report, Workspace
from legonet.building.execution.resources import Resources
from legonet.graph import load

DIGITS = """
let cut = "features.4"
data digits { source: digits(), size: 16 }
network ancestor {
  model: legonet.small_vgg(classes: 10, channels: 2)
  train { data: digits, epochs: 1, seed: 0 }
}
for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 2)
    init: ancestor
    train { data: digits, category: digit, epochs: 3, seed: 0 }
  }
  category digit_${digit} { from: net_${digit}, until: cut }
  task is_${digit} { from: net_${digit}, after: cut }
}
"""

EDGES = """
adapter digit_1 -> is_3 {
  method: back_distillation(init: solve, steps: 3)
  samples: 4
}
adapter digit_3 -> is_1 {
  method: back_distillation(init: solve, steps: 3)
  samples: 4
}
"""

SMALL_NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "memory": 4 * 2**30}
HEAD = SMALL_NODE | {"include_dashboard": False}


class LocalCluster:
    """A head, by default without cores, and nodes with one each."""

    def __init__(self, nodes: int, cores_of_head: int = 0) -> None:
        from ray.cluster_utils import Cluster

        # To start a second cluster is news to Ray.
        logging.getLogger("ray").setLevel(logging.WARNING)
        with _in_the_background():
            self._cluster = Cluster(
                initialize_head=True, head_node_args=HEAD | {"num_cpus": cores_of_head}
            )
        self.nodes: list[Any] = []
        self._has_server = True
        try:
            for _ in range(nodes):
                self.add_node()
        except BaseException:
            self.shut_down()
            raise

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    def add_node(self) -> Any:
        with _in_the_background():
            node = self._cluster.add_node(**SMALL_NODE)
        self.nodes.append(node)
        return node

    def kill_node(self, node: Any) -> None:
        """Let a node die at once, with all that it does."""
        for pid in _started_by(node):
            _kill(pid)
        self.nodes.remove(node)
        self._cluster.remove_node(node, allow_graceful=False)

    def kill_head_server(self) -> None:
        """Let the cluster's memory of itself die."""
        self._has_server = False
        _kill(self._cluster.head_node.all_processes["gcs_server"][0].process.pid)

    def tasks(self, node: Any | None = None) -> list[int]:
        """The processes in which jobs are run."""
        nodes = self.nodes if node is None else [node]
        found = (pid for item in nodes for pid in children(_raylet(item)))
        return [pid for pid in found if _command(pid).startswith("ray::run_on_node")]

    def kill_tasks(self) -> None:
        """Let all processes die in which jobs are run."""
        for pid in self.tasks():
            _kill(pid)

    def shut_down(self) -> None:
        # What a raylet started ends with it, but not always at once.
        started = [pid for node in self._cluster.list_all_nodes() for pid in _started_by(node)]
        if self._has_server:
            self._cluster.shutdown()
        else:
            # Without its server a cluster cannot be asked to go.
            for node in self._cluster.list_all_nodes():
                node.kill_all_processes(check_alive=False, allow_graceful=False)
        for pid in started:
            if _command(pid).startswith("ray::"):
                _kill(pid)


@contextmanager
def _in_the_background() -> Iterator[None]:
    """Start processes as shells and service managers do, which let them ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def local_cluster(nodes: int, cores_of_head: int = 0) -> Iterator[LocalCluster]:
    """A cluster that leaves nothing behind."""
    cluster = LocalCluster(nodes, cores_of_head)
    try:
        yield cluster
    finally:
        cluster.shut_down()


def ray_resources(address: str | None, jobs: int = 0) -> Resources:
    return Resources(jobs=jobs, threads=1, executor="ray", address=address)


def build_with(
    resources: Resources,
    folder: Path,
    text: str = DIGITS + EDGES,
    listener: Listener = lambda event: None,
    store: str | None = None,
) -> Report:
    """Build a spec in a folder of its own."""
    folder.mkdir(exist_ok=True)
    spec = folder / "digits.lego"
    spec.write_text(text, encoding="utf-8")
    workspace = Workspace(spec, store)
    return workspace.build(workspace.plan(load(spec)), listener, resources)


def digests(report: Report) -> dict[str, str]:
    """What was built, to the bit."""
    results = (*report.networks, *report.edges)
    return {item.step.name: item.artifact.sha256 for item in results if item.artifact}


def children(pid: int) -> list[int]:
    """The processes that a process started; none where it is gone."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        texts = [(task / "children").read_text() for task in tasks]
    except OSError:
        return []
    return [int(child) for text in texts for child in text.split()]


def _raylet(node: Any) -> int:
    return int(node.all_processes["raylet"][0].process.pid)


def _started_by(node: Any) -> list[int]:
    """The processes of a node."""
    return [_raylet(node), *children(_raylet(node))]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
