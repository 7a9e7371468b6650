"""A build in threads of one process that tells of every step, to be killed at any moment."""

from __future__ import annotations

import sys
from pathlib import Path

from small_specs import workspace_of

from legonet.build import Event
from legonet.build.execution.resources import Resources


def tell(event: Event) -> None:
    """Write a line for each step of a training, in front of its checkpoint."""
    if event.kind == "loss":
        print(event.step.name, flush=True)


workspace, plan = workspace_of(Path(sys.argv[1]))
report = workspace.build(plan, tell, Resources(jobs=int(sys.argv[2]), executor="threads"))
sys.exit(len(report.failed))
