"""What was learned beside other weights than those that stand now is built again."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.specs import plan_of, write_spec
from kit.stores import digest_of, pretend, write_artifact

from legonet.building import EdgeStep, Plan, Store
from legonet.building.planning.dependencies import with_other_weights

NETWORKS = {"category": "net_1", "task": "net_3", "teacher": "net_1"}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    file = write_spec(tmp_path)
    pretend(file)
    return file


def edge_of(plan: Plan) -> EdgeStep:
    edge = plan.edge("digit_1", "classify")
    assert edge is not None
    return edge


def rewrite(spec: Path, plan: Plan, weights: dict[str, str]) -> None:
    """Let the edge have been learned beside given weights."""
    edge = edge_of(plan)
    write_artifact(Store(spec.parent / ".legonet").file("adapter", edge.key), edge, weights)


def test_roles_are_those_of_the_edge_and_of_the_ancestor(spec: Path) -> None:
    plan = plan_of(spec)
    assert edge_of(plan).needs == NETWORKS
    assert plan.network("net_1").needs == {"ancestor": "ancestor"}
    assert plan.network("ancestor").needs == {}
    other = plan_of(spec, "digit_1->classify.teacher=net_3")
    assert edge_of(other).needs["teacher"] == "net_3"


def test_an_edge_is_reused_while_its_networks_have_the_same_weights(spec: Path) -> None:
    assert plan_of(spec).to_build == ()


@pytest.mark.parametrize("role", ["category", "task", "teacher"])
def test_an_edge_beside_other_weights_is_built_again_and_says_so(spec: Path, role: str) -> None:
    plan = plan_of(spec)
    weights = {at: digest_of(plan.network(name).key) for at, name in NETWORKS.items()}
    rewrite(spec, plan, {**weights, role: "0" * 64})
    (step,) = plan_of(spec).to_build
    assert step.name == "digit_1 -> classify"
    assert step.key == edge_of(plan).key
    assert step.artifact is None
    assert step.reasons == (f"built with other weights of `{NETWORKS[role]}`",)


def test_a_network_that_does_not_stand_yet_condemns_no_edge(spec: Path) -> None:
    plan = plan_of(spec)
    Store(spec.parent / ".legonet").file("network", plan.network("net_1").key).unlink()
    assert [step.name for step in plan_of(spec).to_build] == ["net_1"]


def test_with_the_network_built_again_the_edge_can_be_asked_once_more(spec: Path) -> None:
    artifact = edge_of(plan_of(spec)).artifact
    assert artifact is not None
    then = dict(artifact.certificate["dependencies"])
    digests = {name: then[role] for role, name in NETWORKS.items()}
    assert with_other_weights(artifact, NETWORKS, digests) == ()
    assert with_other_weights(artifact, NETWORKS, {}) == ()
    assert with_other_weights(artifact, NETWORKS, {**digests, "net_1": "0" * 64}) == ("net_1",)
    both = dict.fromkeys(digests, "0" * 64)
    assert with_other_weights(artifact, NETWORKS, both) == ("net_1", "net_3")


def test_an_artifact_that_says_nothing_of_its_neighbours_is_taken_as_it_is(spec: Path) -> None:
    rewrite(spec, plan_of(spec), {})
    assert plan_of(spec).to_build == ()
