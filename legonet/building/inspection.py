"""What a plan has built so far, with figures and digests."""

from __future__ import annotations

from typing import Any

from legonet.building.planning.plan import EdgeStep, JointStep, Plan
from legonet.diagnostics.json import to_json


def inspect_plan(plan: Plan) -> dict[str, Any]:
    """Return the document of ``legonet inspect --json``."""
    return {
        "edges": [_edge(plan, step) for step in plan.edges],
        "networks": [
            {
                "name": step.name,
                "weights_sha256": step.artifact.sha256 if step.artifact else None,
                "input": step.artifact.certificate.get("input") if step.artifact else None,
                "metrics": step.artifact.metrics if step.artifact else {},
            }
            for step in plan.networks
        ],
        "paths": [_joint(plan, step) for step in plan.joints],
    }


def _joint(plan: Plan, step: JointStep) -> dict[str, Any]:
    certificate = {} if step.artifact is None else step.artifact.certificate
    warnings = () if step.artifact is None else step.artifact.warnings
    spec, key = plan.graph.spec, ("path", step.joint.path)
    origin = spec.origins[key]
    return {
        "name": step.joint.path,
        "categories": list(step.joint.categories),
        "task": step.joint.task,
        "state": "missing" if step.artifact is None else "built",
        "metrics": {} if step.artifact is None else step.artifact.metrics,
        "labels": list(step.joint.labels),
        "confusion": certificate.get("confusion"),
        "teacher_confusion": certificate.get("teacher_confusion"),
        "warnings": [to_json(spec.locate(item, key)) for item in warnings],
        "spec_file": origin.span.source.path,
        "line": origin.span.line,
    }


def _edge(plan: Plan, step: EdgeStep) -> dict[str, Any]:
    edge = step.edge
    learning = edge.learning
    state = plan.states()[edge.ends]
    spec, key = plan.graph.spec, ("adapter", *edge.ends)
    failure = None if step.artifact is None else step.artifact.failure
    warnings = () if step.artifact is None else step.artifact.warnings
    origin = spec.origins[key]
    return {
        "category": edge.category,
        "task": edge.task,
        "state": state.state.value,
        "adapter_sha256": step.artifact.sha256 if step.artifact else None,
        "method": None if learning is None else learning.method.call,
        "samples": 0 if learning is None else learning.samples,
        "seed": None if learning is None else learning.seed,
        "metrics": dict(state.metrics),
        "failure": None if failure is None else to_json(spec.locate(failure, key)),
        "warnings": [to_json(spec.locate(item, key)) for item in warnings],
        "spec_file": origin.span.source.path,
        "line": origin.span.line,
    }
