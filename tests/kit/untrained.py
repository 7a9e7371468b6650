"""Specs of which everything is built, without training: all weights are random."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kit.specs import SEGMENTING, workspace_of, write_spec
from legonet import TransplantNetwork
from legonet.building import Plan, Step, Store
from legonet.building.proof import Proof, prove
from legonet.building.storage.answer_log import AnswerLog
from legonet.modules.adapter import Activation, Adapter
from legonet.modules.calibration import Calibration, with_calibration
from legonet.modules.models import instantiate


def fill_store(spec: Path, store: Path | None = None, *, channels: int = 4) -> Plan:
    """Put an artifact into the store for each step that is to be built, and return the new plan.

    Args:
        spec: The spec.
        store: Default: the one beside the spec.
        channels: Of the features at all cuts.
    """
    workspace, plan = workspace_of(spec, store=store)
    for step in plan.to_build:
        put(workspace.store, plan, step, channels=channels)
    return workspace_of(spec, store=store)[1]


def put(
    store: Store, plan: Plan, step: Step, seed: int | None = None, *, channels: int = 4
) -> None:
    """Put an artifact into the store for a step, drawn from its key or from a seed."""
    seed = int(step.key[:8], 16) if seed is None else seed
    details: dict[str, Any] = {}
    if step.kind == "adapter":
        details["adapter"] = {**_adapter(step, seed, channels).description, "calibrated": True}
        built = {need.name: store.find("network", need.key) for need in plan.networks}
        found = {role: built[name] for role, name in step.needs.items()}
        details["dependencies"] = {role: item.sha256 for role, item in found.items() if item}
    elif step.kind == "joint":
        details["labels"] = []
    certificate = {"inputs": step.inputs, "metrics": {}, "seconds": 1.0, **details}
    store.put(step.kind, step.key, _tensors(plan, step, seed, channels), certificate)


def _tensors(plan: Plan, step: Step, seed: int, channels: int) -> dict[str, Tensor]:
    if step.kind == "joint":
        return {}
    if step.kind == "adapter":
        return with_calibration(_adapter(step, seed, channels).state_dict(), Calibration(0.5, 0.25))
    return instantiate(plan.graph.spec.networks[step.name].model, seed=seed).state_dict()


def _adapter(step: Step, seed: int, channels: int) -> Adapter:
    """Return a random adapter; those to a task of pixels keep the sign of features."""
    generator = torch.Generator().manual_seed(seed)
    activation: Activation = "identity" if step.name.endswith("ink") else "relu"
    return Adapter(channels, channels, (1,), generator=generator, activation=activation)


def step_of(plan: Plan, name: str) -> Step:
    """Return the step of a network or an edge."""
    return next(step for step in (*plan.networks, *plan.edges) if step.name == name)


def file_of(spec: Path, name: str) -> Path:
    """Return the file of the artifact of a network or an edge."""
    workspace, plan = workspace_of(spec)
    step = step_of(plan, name)
    return workspace.store.file(step.kind, step.key)


def proof_of(spec: Path, *settings: str, store: Path | None = None, **means: Any) -> Proof:
    """Prove what is built of a spec."""
    workspace, plan = workspace_of(spec, *settings, store=store)
    networks = {step.name: step.artifact for step in plan.networks if step.artifact}
    found = {step.edge.ends: workspace.store.find("adapter", step.key) for step in plan.edges}
    direct = {ends for ends, edge in plan.graph.spec.adapters.items() if edge.learning is None}
    adapters = {ends: item for ends, item in found.items() if item or ends in direct}
    answer_log = AnswerLog(workspace.store.folder)
    return prove(plan.graph, networks, adapters, workspace.store, answer_log, **means)


def write_filled(folder: Path, text: str = SEGMENTING, name: str = "built.lego") -> Path:
    """Write a spec into a folder, with an artifact in its store for each step."""
    spec = write_spec(folder, text, name)
    fill_store(spec)
    return spec


def copy_spec(spec: Path, folder: Path) -> Path:
    """Copy a spec and its store into a folder, to be changed there."""
    shutil.copytree(spec.parent / ".legonet", folder / ".legonet")
    return Path(shutil.copy(spec, folder))


def open_filled(folder: Path, text: str = SEGMENTING) -> TransplantNetwork:
    """Write a spec as `write_filled` does, and open it."""
    return TransplantNetwork.open(write_filled(folder, text))
