"""A spec with as many edges as one likes, and stores in which all stands without any training.

The artifacts are written by hand, in the format that the store reads, so that torch is not needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from small_specs import workspace_of

from legonet.build import Plan, Step
from legonet.build.planning.neighbours import neighbours
from legonet.build.storage.header import metadata_of
from legonet.build.storage.inventory import EVIDENCE, Inventories
from legonet.build.storage.keys import key_of

METRICS = {"error_rate": 0.1}


def large_spec(categories: int, tasks: int) -> str:
    """Return a spec with an edge from each category to each task."""
    return f"""
let cut = "features.4"
data digits {{ source: digits() }}
for name in [{", ".join(f"c{number}" for number in range(categories))}] {{
  network ${{name}}_net {{
    model: legonet.small_vgg(classes: 1, channels: 4)
    train {{ data: digits, category: "3", epochs: 1 }}
  }}
  category ${{name}} {{ from: ${{name}}_net, until: cut }}
  for question in [{", ".join(f"t{number}" for number in range(tasks))}] {{
    adapter ${{name}} -> ${{question}} {{
      method: back_distillation(init: solve, steps: 3)
      samples: 4
    }}
  }}
}}
for question in [{", ".join(f"t{number}" for number in range(tasks))}] {{
  network ${{question}}_net {{
    model: legonet.small_vgg(classes: 1, channels: 4)
    train {{ data: digits, category: "3", epochs: 2 }}
  }}
  task ${{question}} {{ from: ${{question}}_net, after: cut }}
}}
"""


def pretend(spec: Path, *settings: str) -> Plan:
    """Fill a spec's store as if it had been built, and return the plan that was followed."""
    workspace, plan = workspace_of(spec, *settings)
    workspace.store.prepare()
    Inventories(workspace.store.folder / EVIDENCE).keep(plan.inventories)
    for step in (*plan.networks, *plan.edges):
        if step.action == "build":
            write_artifact(workspace.store.file(step.kind, step.key), step, _weights(plan, step))
        if step.action != "direct":
            workspace.ledger.enter(step.name, step.inputs)
    return plan


def write_artifact(file: Path, step: Step, weights: Mapping[str, str] | None = None) -> None:
    """Write an artifact without tensors.

    Args:
        file: Where to.
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
        "neighbours": dict(weights or {}),
    }
    header = json.dumps({"__metadata__": metadata_of(certificate)}).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(len(header).to_bytes(8, "little") + header)


def digest_of(key: str) -> str:
    """Return the digest that the artifact of a key pretends to have."""
    return key_of(["weights", key])


def _weights(plan: Plan, step: Step) -> dict[str, str]:
    roles = neighbours(plan.graph, step)
    return {role: digest_of(plan.network(name).key) for role, name in roles.items()}
