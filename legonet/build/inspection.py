"""What is built of a plan, with its figures and digests."""

from __future__ import annotations

from typing import Any

from legonet.build.planning.plan import EdgeStep, Plan


def inspect_plan(plan: Plan) -> dict[str, Any]:
    """Return the document of ``legonet inspect --json``."""
    return {
        "edges": [_edge(plan, step) for step in plan.edges],
        "networks": [
            {
                "name": step.name,
                "weights_sha256": step.artifact.sha256 if step.artifact else None,
                "metrics": step.artifact.metrics if step.artifact else {},
            }
            for step in plan.networks
        ],
    }


def _edge(plan: Plan, step: EdgeStep) -> dict[str, Any]:
    adapter = step.adapter
    learning = adapter.learning
    ends = (adapter.category, adapter.task)
    state = plan.states()[ends]
    origin = plan.graph.spec.origins[("adapter", *ends)]
    return {
        "category": adapter.category,
        "task": adapter.task,
        "state": state.state.value,
        "adapter_sha256": step.artifact.sha256 if step.artifact else None,
        "method": None if learning is None else learning.method.call,
        "samples": 0 if learning is None else learning.samples,
        "seed": None if learning is None else learning.seed,
        "metrics": dict(state.metrics),
        "spec_file": origin.span.source.path,
        "line": origin.span.line,
    }
