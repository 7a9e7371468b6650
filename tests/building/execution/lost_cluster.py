"""A program whose cluster dies while it builds. Its argument is a folder to work in."""

from __future__ import annotations

import sys
from pathlib import Path

from ray_cluster import DIGITS, build_with, local_cluster, ray_resources

from legonet.building.events import Event
from legonet.building.execution import cluster_connection
from legonet.diagnostics import DiagnosticError

LONG = DIGITS.replace("epochs: 1", "epochs: 10000")

if __name__ == "__main__":
    cluster_connection.LOST_AFTER = 1.0
    with local_cluster(0, cores_of_head=1) as cluster:

        def hear(event: Event) -> None:
            if event.kind == "progress":
                cluster.kill_head_server()

        try:
            build_with(ray_resources(cluster.address), Path(sys.argv[1]), LONG, hear)
        except DiagnosticError as error:
            print(*(item.code for item in error.diagnostics))
