"""Stores that look as if everything had been built: artifacts without tensors, and without torch.

They are written by hand, in the format that a store reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kit.specs import workspace_of
from legonet.building import Plan, Step
from legonet.building.storage.header import metadata_of
from legonet.building.storage.keys import key_of
from legonet.building.storage.store import MEASURE_VERSION

METRICS = {"error_rate": 0.1}


def pretend(spec: Path, *settings: str) -> Plan:
    """Fill a spec's store as if it had been built, and return the plan that was followed."""
    workspace, plan = workspace_of(spec, *settings)
    workspace.store.prepare()
    steps = [step for step in (*plan.networks, *plan.edges) if step.action != "direct"]
    workspace.history.begin((step.key for step in steps), plan.file_lists)
    for step in steps:
        if step.action == "build":
            write_artifact(workspace.store.file(step.kind, step.key), step, _weights(plan, step))
    workspace.history.enter({step.name: step.inputs for step in steps})
    return plan


def write_artifact(file: Path, step: Step, weights: Mapping[str, str] | None = None) -> None:
    """Write an artifact without tensors.

    Args:
        file: Where it goes.
        step: What it is made for.
        weights: The digests of the networks that it was learned beside, by role.
    """
    certificate: dict[str, Any] = {
        "kind": step.kind,
        "key": step.key,
        "sha256": digest_of(step.key),
        "inputs": step.inputs,
        "seconds": 1.0,
        "metrics": METRICS,
        "measured": MEASURE_VERSION,
        "dependencies": dict(weights or {}),
    }
    header = json.dumps({"__metadata__": metadata_of(certificate)}).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(header).to_bytes(8, "little") + header)


def digest_of(key: str) -> str:
    """Return the digest that the artifact of a key pretends to have."""
    return key_of(["weights", key])


def _weights(plan: Plan, step: Step) -> dict[str, str]:
    roles = step.needs
    return {role: digest_of(plan.network(name).key) for role, name in roles.items()}
