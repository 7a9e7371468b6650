"""A spec of which all stands, without training: networks and adapters have random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from small_specs import workspace_of
from torch import Tensor

from legonet.build import Plan, Step, Store
from legonet.build.planning.neighbours import neighbours
from legonet.build.proof import Proof, prove
from legonet.build.storage.probes import PROBES, Probes
from legonet.modules.adapter import Adapter
from legonet.modules.models import instantiate

CHANNELS = 4
"""Of the features at the cuts, in both directions."""


def stand(spec: Path, store: Path | None = None) -> Plan:
    """Put something into the store for each step that is to be built, and return the plan."""
    workspace, plan = workspace_of(spec, store=store)
    for step in plan.to_build:
        put(workspace.store, plan, step)
    return workspace_of(spec, store=store)[1]


def put(store: Store, plan: Plan, step: Step, seed: int | None = None) -> None:
    """Put an artifact into the store for a step, drawn from its key or from a seed."""
    seed = int(step.key[:8], 16) if seed is None else seed
    details: dict[str, Any] = {}
    if step.kind == "adapter":
        details["adapter"] = {
            "channels_in": CHANNELS,
            "channels_out": CHANNELS,
            "kernels": (1,),
        }
        stands = {need.name: store.find("network", need.key) for need in plan.networks}
        found = {role: stands[name] for role, name in neighbours(plan.graph, step).items()}
        details["neighbours"] = {role: item.sha256 for role, item in found.items() if item}
    certificate = {"inputs": step.inputs, "metrics": {}, "seconds": 1.0, **details}
    store.put(step.kind, step.key, tensors(plan, step, seed), certificate)


def tensors(plan: Plan, step: Step, seed: int) -> dict[str, Tensor]:
    """Return random weights for a step."""
    if step.kind == "adapter":
        generator = torch.Generator().manual_seed(seed)
        return Adapter(CHANNELS, CHANNELS, (1,), generator=generator).state_dict()
    return instantiate(plan.graph.spec.networks[step.name].model, seed=seed).state_dict()


def step_of(plan: Plan, name: str) -> Step:
    """Return the step of a network or an edge."""
    return next(step for step in (*plan.networks, *plan.edges) if step.name == name)


def file_of(spec: Path, name: str) -> Path:
    """Return where the artifact of a network or an edge stands."""
    workspace, plan = workspace_of(spec)
    step = step_of(plan, name)
    return workspace.store.file(step.kind, step.key)


def proof_of(spec: Path, *settings: str, store: Path | None = None, **means: Any) -> Proof:
    """Prove what stands of a spec."""
    workspace, plan = workspace_of(spec, *settings, store=store)
    networks = {step.name: step.artifact for step in plan.networks if step.artifact}
    found = {
        (step.adapter.category, step.adapter.task): workspace.store.find("adapter", step.key)
        for step in plan.edges
    }
    direct = {ends for ends, edge in plan.graph.spec.adapters.items() if edge.learning is None}
    adapters = {ends: item for ends, item in found.items() if item or ends in direct}
    probes = Probes(workspace.store.folder / PROBES)
    return prove(plan.graph, networks, adapters, workspace.store, probes, **means)
