"""Running the command line, and other programs, as users do."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from legonet.cli.interruption import Interruption
from legonet.cli.main import run

SETTINGS = {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "100"}
"""The environment of a command: one thread, no colours."""


def environment() -> dict[str, str]:
    """Return the environment of a command in a process of its own."""
    return {**os.environ, **SETTINGS}


def legonet(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``legonet`` in a folder, in this process, which saves the import of torch.

    A build computes in a thread of this process, unless the arguments say otherwise.
    """
    if arguments[:1] == ("build",) and "--executor" not in arguments:
        arguments = (*arguments, "--executor", "threads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interruption, "install", lambda self: None)  # signals are for pytest
        return run_here(run, folder, "legonet", *_with_one_job(arguments))


def run_here(
    program: Callable[[], int | None], folder: Path, *command: str
) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder as if it had a process of its own.

    Args:
        program: Its main function.
        folder: Its working directory.
        command: Its name and its arguments.
    """
    output, errors = (TextIOWrapper(BytesIO(), "utf-8", newline="") for _ in range(2))
    thresholds = gc.get_threshold()
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        patch.chdir(folder)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", list(command))
        warnings.simplefilter("default")  # a program does not stop at a warning
        try:
            code = program()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
    gc.set_threshold(*thresholds)
    return subprocess.CompletedProcess(command, code or 0, _text_of(output), _text_of(errors))


def legonet_process(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``legonet`` in a folder in a fresh process; a build has one job by default."""
    return subprocess.run(
        [sys.executable, "-m", "legonet", *_with_one_job(arguments)],
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


def _with_one_job(arguments: tuple[str, ...]) -> tuple[str, ...]:
    build = arguments[:1] == ("build",) and "--jobs" not in arguments
    return (*arguments, "--jobs", "1") if build else arguments


def _text_of(stream: TextIOWrapper) -> str:
    stream.flush()
    return bytes(stream.buffer.getvalue()).decode()  # type: ignore[attr-defined]
