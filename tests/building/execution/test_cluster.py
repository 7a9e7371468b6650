"""Builds on a real Ray cluster of several nodes, which lose some of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from shutil import copy
from typing import Any

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install 'legonet[ray]'")

from kit.s3 import new_bucket, s3_server
from ray_cluster import (
    DIGITS,
    LocalCluster,
    build_with,
    digests,
    local_cluster,
    ray_resources,
)

from legonet.building import Report, Workspace
from legonet.building.events import Event
from legonet.building.execution.cluster import RayExecutor, Share
from legonet.building.execution.cluster_connection import Connection
from legonet.building.execution.executor import Inbox, Message
from legonet.building.execution.job import Job, JobProgress, JobResult
from legonet.building.execution.resources import Resources
from legonet.building.storage.checkpoints import leftovers
from legonet.building.storage.remote import open_store
from legonet.diagnostics import DiagnosticError
from legonet.graph import load

pytestmark = [
    pytest.mark.xdist_group("ray"),
]

WAIT = 120.0
"""Seconds after which something that has to come does not come any more."""


@pytest.fixture(scope="module")
def object_store() -> Iterator[str]:
    """The URL of a store on a server that speaks S3."""
    with s3_server() as server, new_bucket(*server) as bucket:
        yield f"{bucket}/store"


@pytest.fixture(scope="module")
def cluster(object_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Two nodes with a core each; they know how to reach the object store."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LEGONET_CACHE_DIR", str(tmp_path_factory.mktemp("node")))
        environment.setenv("OMP_NUM_THREADS", "1")
        with local_cluster(2) as found:
            yield found


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A build on this machine."""
    resources = Resources(threads=1, executor="threads")
    return build_with(resources, tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def expected(local: Report) -> dict[str, str]:
    """What has to come out everywhere."""
    return digests(local)


def test_nodes_with_a_store_behind_a_url_build_the_same_bits(
    cluster: LocalCluster,
    object_store: str,
    local: Report,
    expected: dict[str, str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # What this machine has and the object store has not, nodes need as well.
    ancestor = local.networks[0].artifact
    assert ancestor is not None
    mirror = tmp_path / "here" / ".legonet" / "networks"
    mirror.mkdir(parents=True)
    copy(ancestor.file, mirror)
    kinds: Counter[tuple[str, str]] = Counter()

    def hear(event: Event) -> None:
        kinds[event.step.name, event.kind] += 1

    resources = ray_resources(cluster.address)
    report = build_with(resources, tmp_path / "here", listener=hear, store=object_store)
    assert digests(report) == expected
    for name in expected.keys() - {"ancestor"}:
        assert kinds[name, "started"] == kinds[name, "finished"] == 1
        assert kinds[name, "progress"] > 0
        assert kinds[name, "loss"] > 0
    assert kinds["ancestor", "started"] == 0
    assert capfd.readouterr() == ("", "")
    elsewhere = open_store(object_store, tmp_path / "elsewhere")
    for result in report.networks:
        artifact = elsewhere.find("network", result.step.key)
        assert artifact is not None
        assert elsewhere.tensors(artifact)
    assert not elsewhere.shared("tokens")


def test_when_a_node_dies_its_order_is_begun_again_on_another(
    cluster: LocalCluster,
    expected: dict[str, str],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    busy: list[Any] = []
    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)
        if event.kind != "progress" or not event.message.startswith("epoch"):
            return
        if event.step.name == "ancestor" and not busy:
            busy.extend(node for node in cluster.nodes if cluster.tasks(node))
        elif event.step.name != "ancestor" and busy[0] in cluster.nodes:
            # Here the ancestor was built, so that one of its heirs is being built.
            cluster.kill_node(busy[0])

    try:
        report = build_with(ray_resources(cluster.address), tmp_path, listener=hear)
    finally:
        while len(cluster.nodes) < 2:
            cluster.add_node()
    assert digests(report) == expected
    finished = Counter(event.step.name for event in events if event.kind == "finished")
    assert finished == dict.fromkeys(expected, 1)
    again = {event.step.name for event in events if event.message.startswith("started again")}
    assert again
    assert "ancestor" not in again
    assert capfd.readouterr() == ("", "")


def test_an_order_whose_process_dies_again_and_again_fails_alone(
    cluster: LocalCluster,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("legonet.building.execution.cluster.ATTEMPTS", 2)
    workspace, (long, short) = _orders(tmp_path, epochs=10_000)
    inbox: Inbox = SimpleQueue()
    executor = RayExecutor(workspace.store, inbox, ray_resources(cluster.address, jobs=1))
    try:
        executor.start(long)
        for beginning in range(2):
            _wait_for_training(inbox, deaths=beginning)
            cluster.kill_tasks()
        ending = _ending(inbox)
        (found,) = ending.diagnostics
        assert (ending.outcome, found.code) == ("failed", "LEGO741")
        assert "2 attempts" in found.message
        executor.start(short)
        assert _ending(inbox).outcome == "made"
    finally:
        executor.close(1.0)
    assert capfd.readouterr() == ("", "")


def test_a_store_that_nodes_do_not_see_ends_the_build(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    # Each process has a memory of its own, as each machine has a disk.
    with pytest.raises(DiagnosticError) as caught:
        build_with(ray_resources(cluster.address), tmp_path, DIGITS, store="memory://store")
    (found,) = caught.value.diagnostics
    assert found.code == "LEGO743"
    assert "memory://store" in found.message


def test_a_stopped_order_leaves_a_checkpoint_and_no_process(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    import ray

    workspace, (long, _) = _orders(tmp_path, epochs=10_000)
    inbox: Inbox = SimpleQueue()
    executor = RayExecutor(workspace.store, inbox, ray_resources(cluster.address))
    try:
        # However much a job may need, it gets no more than there is.
        executor.start(replace(long, memory=2**60))
        _wait_for_training(inbox)
        executor.stop(long.key)
        assert _ending(inbox).outcome == "stopped"
        assert leftovers(workspace.store) == {long.key}
        executor.start(long)
        _wait_for_training(inbox)
    finally:
        executor.close(30.0)
    assert _ending(inbox).outcome == "stopped"
    assert not ray.is_initialized()
    assert not list((workspace.store.folder / "tokens").iterdir())


def test_nodes_that_join_are_used(cluster: LocalCluster, tmp_path: Path) -> None:
    inbox: Inbox = SimpleQueue()
    workspace, _ = _orders(tmp_path)
    executor = RayExecutor(workspace.store, inbox, ray_resources(cluster.address))
    try:
        assert executor.places == 2
        node = cluster.add_node()
        # Whoever waits for messages is told to look up.
        assert callable(inbox.get(timeout=WAIT))
        assert executor.places == 3
        cluster.kill_node(node)
    finally:
        executor.close(1.0)


def test_a_connection_of_somebody_else_stays_open(cluster: LocalCluster, tmp_path: Path) -> None:
    import ray

    ray.init(address=cluster.address, log_to_driver=False)
    try:
        Connection(cluster.address).close()
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_a_cluster_that_dies_ends_the_build(tmp_path: Path) -> None:
    script = Path(__file__).with_name("lost_cluster.py")
    ended = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "LEGONET_CACHE_DIR": str(tmp_path / "node")},
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("LEGO742\n", "", 0)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nonsense", "host:port", "127.0.0.1:99999"]
)
def test_a_cluster_that_is_not_there(address: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        Connection(address)
    (found,) = caught.value.diagnostics
    assert found.code == "LEGO740"
    assert address.removeprefix("ray://") in found.message


def test_no_cluster_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(address: str) -> str:
        raise ConnectionError

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray._private.services.canonicalize_bootstrap_address_or_die", none)
    with pytest.raises(DiagnosticError) as caught:
        Connection(None)
    (found,) = caught.value.diagnostics
    assert found.code == "LEGO740"
    assert "ray start --head" in found.help[0]


def test_nodes_that_are_too_small_are_no_help(cluster: LocalCluster, tmp_path: Path) -> None:
    import ray

    workspace, _ = _orders(tmp_path)
    resources = replace(ray_resources(cluster.address), threads=2)
    with pytest.raises(DiagnosticError) as caught:
        RayExecutor(workspace.store, SimpleQueue(), resources)
    (found,) = caught.value.diagnostics
    assert found.code == "LEGO740"
    assert "2 CPUs" in found.message
    assert not ray.is_initialized()


@pytest.mark.parametrize(
    ("share", "node", "times"),
    [
        (Share(2), {"CPU": 5.0}, 2),
        (Share(2), {"CPU": 1.0}, 0),
        (Share(2), {}, 0),
        (Share(2, 0.25), {"CPU": 64.0}, 0),
        (Share(2, 0.25), {"CPU": 64.0, "GPU": 2.0}, 8),
        (Share(2, 1 / 3), {"CPU": 64.0, "GPU": 1.0}, 3),
        (Share(2, 0.25), {"CPU": 4.0, "GPU": 8.0}, 2),
    ],
)
def test_how_many_orders_a_node_takes(share: Share, node: dict[str, float], times: int) -> None:
    assert share.times_in(node) == times


def _orders(folder: Path, epochs: int = 1) -> tuple[Workspace, list[Job]]:
    """Jobs for two networks that need nothing; the first takes as long as one likes."""
    spec = folder / "digits.lego"
    text = DIGITS.replace("init: ancestor", "").replace("epochs: 1", f"epochs: {epochs}")
    spec.write_text(text, encoding="utf-8")
    workspace = Workspace(spec)
    plan = workspace.plan(load(spec))
    return workspace, [Job.of(plan, plan.network(name)) for name in ("ancestor", "net_1")]


def _wait_for_training(inbox: Inbox, deaths: int = 0) -> None:
    """Wait until a job trains, after so many deaths of its process."""
    said: list[str] = []
    while True:
        message = inbox.get(timeout=WAIT)
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, Message):
            assert not isinstance(message.news, JobResult), message.news
            if isinstance(message.news, JobProgress):
                said.append(message.news.message)
                died = said.count("started again: its process died")
                if said[-1].startswith("epoch") and died == deaths:
                    return


def _ending(inbox: Inbox) -> JobResult:
    # A job that does not stop goes on telling how far it has come.
    deadline = time.monotonic() + WAIT
    while True:
        assert time.monotonic() < deadline, "the job has not ended"
        message = inbox.get(timeout=WAIT)
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, Message) and isinstance(message.news, JobResult):
            return message.news
