"""A spec that builds in seconds, and ways to run it."""

from __future__ import annotations

from pathlib import Path

from small_spec import SMALL

from legonet.build import Listener, Plan, Report, Workspace
from legonet.graph import load
from legonet.spec import Override


def write_spec(folder: Path, text: str = SMALL, name: str = "small.lego") -> Path:
    """Write a spec into a folder."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def plan_of(spec: Path, *settings: str, store: Path | None = None) -> Plan:
    """Plan a spec."""
    return workspace_of(spec, *settings, store=store)[1]


def workspace_of(spec: Path, *settings: str, store: Path | None = None) -> tuple[Workspace, Plan]:
    """Return a spec's workspace and its plan."""
    overrides = [Override.parse(setting) for setting in settings]
    workspace = Workspace(spec, store)
    return workspace, workspace.plan(load(spec, overrides))


def build_of(
    spec: Path,
    *settings: str,
    store: Path | None = None,
    listener: Listener = lambda event: None,
) -> Report:
    """Build a spec, without a word unless somebody listens."""
    workspace, plan = workspace_of(spec, *settings, store=store)
    return workspace.build(plan, listener)
