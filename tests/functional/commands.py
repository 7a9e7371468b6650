"""Running the command line as a person does, each time in a fresh process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def environment() -> dict[str, str]:
    """Return the environment of a command: one thread, no colours."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "100"}


def legonet(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``legonet`` in a folder; a build has one process, unless a test is about several."""
    if arguments[:1] == ("build",) and "--jobs" not in arguments:
        arguments = (*arguments, "--jobs", "1")
    return subprocess.run(
        [sys.executable, "-m", "legonet", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def document(finished: subprocess.CompletedProcess[str]) -> Any:
    """Return the one JSON document on standard output."""
    return json.loads(finished.stdout)


def actions(report: Any) -> dict[str, str]:
    """Return what became of each edge and each network of ``build --json`` or ``plan --json``."""
    edges = {f"{edge['category']} -> {edge['task']}": edge["action"] for edge in report["edges"]}
    return edges | {network["name"]: network["action"] for network in report["networks"]}
