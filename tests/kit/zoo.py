"""A spec with an edge in every state and a store that knows them, without any training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kit.specs import plan_of, write_spec
from kit.stores import pretend
from legonet.building import Artifact, Plan
from legonet.building.storage.header import metadata_of

ZOO = """\
let cut = "features.4"
data digits { source: digits() }
network base {
  model: legonet.small_vgg(classes: 10, channels: 4)
  train { data: digits, epochs: 1 }
}
for animal in [cat, dog, cow, horse] {
  network ${animal}_net {
    model: legonet.small_vgg(classes: 1, channels: 4)
    init: base
    train { data: digits, category: "3", epochs: 1, seed: 7 }
  }
  category ${animal} { from: ${animal}_net, until: cut }
}
network outline_net {
  model: legonet.small_fcn(classes: 1, channels: 4)
  init: base
  train { data: digits, category: "3", goal: segmentation }
}
task classify { from: dog_net, after: cut }
task outline { from: outline_net, after: cut }

adapter dog -> classify
adapter cat -> classify {  # the <one> that "everybody" asks for & likes
  layers: [conv(1), conv(1)]
  method: back_distillation(init: solve, steps: 60)
  samples: 20
}
adapter cow -> classify { method: stitching(), seed: 1 }
adapter horse -> classify { method: back_distillation(init: solve), seed: 2 }
adapter cat -> outline { teacher: outline_net, method: stitching(), seed: 3 }
path pet_finder = cat -> classify
"""

LEARNED = {
    "method": "back_distillation",
    "trained_by": "back_distillation",
    "trained_because": "the spec says so",
    "start": "assignment",
    "start_because": "channels that match correlate by 0.48",
    "steps": 60,
    "most_steps": 60,
    "steps_because": "the best on held-out examples",
    "beta": 1.0912345,
    "warnings": ["teacher and student hardly agree"],
    "held_out_loss": [[0, 0.9], [30, 0.3], [60, 0.25]],
    "loss_curve": [
        {"step": step, "task": 8 / step**2, "gradients": 1 / step} for step in range(2, 61, 2)
    ],
}
TRAINED = {"loss_curve": [{"step": step, "task": 1 - step / 100} for step in range(1, 60)]}


def zoo_plan(folder: Path) -> Plan:
    """Write the zoo and its store into a folder, and return its plan.

    ``dog -> classify`` is direct, ``cat -> classify`` and ``cat -> outline`` are built,
    ``cow -> classify`` is missing and ``horse -> classify`` failed.
    """
    spec = write_spec(folder, ZOO, "zoo.lego")
    pretend(spec)
    plan = plan_of(spec)
    metrics = {"error_rate": 0.0849, "teacher_error_rate": 0.06}
    certify(plan, ("cat", "classify"), learned=LEARNED, metrics=metrics)
    solved = {"trained_because": "stitching is solved, not trained"}
    accuracy = {"pixel_accuracy": 0.9, "teacher_pixel_accuracy": 0.95}
    certify(plan, ("cat", "outline"), learned=solved, metrics=accuracy)
    for step in plan.networks:
        _rewrite(step.artifact, learned=TRAINED)
    for task_of in ("cow", "horse"):
        step = plan.edge(task_of, "classify")
        assert step is not None
        assert step.artifact is not None
        step.artifact.file.unlink()
    failed = plan.edge("horse", "classify")
    assert failed is not None
    reason = {"code": "LEGO606", "severity": "error", "message": "the loss is not finite"}
    event = {"event": "failed", "kind": "adapter", "name": failed.name, "key": failed.key}
    line = json.dumps({"at": 0.0, "build": "1-1", **event, "diagnostics": [reason]})
    (folder / ".legonet" / "events.jsonl").write_text(f"\n{line}")
    return plan_of(spec)


def certify(plan: Plan, ends: tuple[str, str], **changes: Any) -> None:
    """Change the certificate of an edge."""
    step = plan.edge(*ends)
    assert step is not None
    _rewrite(step.artifact, **changes)


def _rewrite(artifact: Artifact | None, **changes: Any) -> None:
    assert artifact is not None
    certificate = {**artifact.certificate, **changes}
    header = json.dumps({"__metadata__": metadata_of(certificate)}).encode()
    artifact.file.write_bytes(len(header).to_bytes(8, "little") + header)
