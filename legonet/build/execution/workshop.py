"""Plan to Artifacts: the torch side of a build, one network or edge at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from legonet.build.planning.plan import EdgeStep, Plan, Step
from legonet.build.planning.questions import Questions
from legonet.build.storage.checkpoints import FileCheckpoint
from legonet.build.storage.store import Artifact, Store
from legonet.data import Pictures, Question, draw
from legonet.diagnostics import DiagnosticError
from legonet.distill.edge import Edge
from legonet.distill.learn import learn
from legonet.distill.measure import measure
from legonet.distill.progress import Progress, Watch
from legonet.distill.specific import train_specific
from legonet.distill.student_pool import StudentPool
from legonet.modules.adapter import Adapter
from legonet.modules.cut import bottom, top
from legonet.modules.digest import state_digest
from legonet.modules.freeze import freeze
from legonet.modules.models import instantiate
from legonet.modules.weights import inherit, load_weights
from legonet.spec import Goal
from legonet.spec.declarations import Learning
from legonet.spec.models import Model

PICTURES_KEPT = 12
"""Answers of a question's split that are kept in memory, at most."""


@dataclass(frozen=True)
class _Frozen:
    """A built network with the digest of the bits that must not change."""

    name: str
    module: nn.Module
    sha256: str

    def check(self) -> None:
        """Raise if the network is no longer what it was, or could still be trained."""
        changed = state_digest(self.module) != self.sha256
        trainable = self.module.training or any(
            parameter.requires_grad for parameter in self.module.parameters()
        )
        if changed or trainable:
            raise DiagnosticError.of(
                "LEGO705",
                f"the frozen network `{self.name}` was "
                + ("changed" if changed else "made trainable")
                + " while an adapter was learned",
                help=["nothing of this edge was kept; this is a bug in legonet"],
            )


class Workshop:
    """Builds what a plan says, and puts it into the store.

    Args:
        plan: The plan.
        store: Where finished artifacts go.
        device: Where to compute.
    """

    def __init__(self, plan: Plan, store: Store, device: str) -> None:
        self._plan = plan
        self._spec = plan.graph.spec
        self._store = store
        self._device = device
        self._questions = Questions(plan.graph)
        self._networks: dict[str, _Frozen] = {}
        # Edges onto one task share the student's side of their pseudo-gradients.
        several = sum(step.action == "build" for step in plan.edges) > 1
        self._pool = StudentPool() if several else StudentPool(0)
        # Edges that ask the same question share the pictures.
        self._pictures = lru_cache(maxsize=PICTURES_KEPT)(Question.read)

    def build_network(self, step: Step, progress: Progress, watch: Watch) -> Artifact:
        """Train a specific network by its recipe, or take up its ready weights.

        Args:
            step: The network.
            progress: Told of every batch.
            watch: Told of every point of the loss curve.

        Raises:
            DiagnosticError: It cannot be built.
        """
        started = time.perf_counter()
        network = self._spec.networks[step.name]
        recipe = network.train
        with _seeded(recipe.seed if recipe else 0):
            module = instantiate(network.model)
        certificate: dict[str, Any] = {}
        if network.weights is not None:
            load_weights(module, network.weights, network.model)
        if network.init is not None:
            certificate["inherited"] = list(inherit(module, self._state(network.init)))
        metrics: dict[str, float] = {}
        question = self._questions.of_network(step.name)
        if recipe is not None and question is not None:
            pictures = self._pictures(question, "train")
            certificate["learned"] = train_specific(
                module,
                recipe,
                pictures,
                progress,
                device=self._device,
                watch=watch,
                checkpoint=FileCheckpoint(self._store, step.key),
            )
            progress(1.0, "measuring")
            test = self._pictures(question, "test")
            metrics = measure(freeze(module), test, question.goal, device=self._device)
        certificate |= {
            "inputs": step.inputs,
            "metrics": metrics,
            "seconds": time.perf_counter() - started,
        }
        return self._store.put("network", step.key, module.state_dict(), certificate)

    def build_edge(self, step: EdgeStep, progress: Progress, watch: Watch) -> Artifact:
        """Learn an adapter, measure it beside its teacher, and prove that nothing else changed.

        Args:
            step: The edge.
            progress: Told of every batch and step.
            watch: Told of every point of the loss curves.

        Raises:
            DiagnosticError: It cannot be learned, or a frozen network did not stay as it was.
        """
        started = time.perf_counter()
        learning = step.adapter.learning
        if learning is None:
            raise ValueError(f"a direct edge has nothing to learn: {step.name}")
        frozen = self._neighbours(step)
        edge = self._edge(step, learning)
        learned = learn(
            edge,
            learning,
            progress,
            device=self._device,
            watch=watch,
            checkpoint=FileCheckpoint(self._store, step.key),
            pool=self._pool,
        )
        progress(1.0, "measuring")
        metrics = self._measured(step, edge, learned.adapter)
        for network in {network.name: network for network in frozen.values()}.values():
            network.check()
        certificate = {
            "inputs": step.inputs,
            "metrics": metrics,
            "learned": learned.certificate,
            "neighbours": {role: network.sha256 for role, network in frozen.items()},
            "adapter": {
                "channels_in": learned.adapter.channels_in,
                "channels_out": learned.adapter.channels_out,
                "kernels": list(learned.adapter.kernels),
            },
            "seconds": time.perf_counter() - started,
        }
        state = learned.adapter.state_dict()
        return self._store.put("adapter", step.key, state, certificate)

    def check_frozen(self) -> int:
        """Check every network that was loaded once more, and return how many there were.

        Raises:
            DiagnosticError: One of them is no longer what it was.
        """
        for network in self._networks.values():
            network.check()
        return len(self._networks)

    def _neighbours(self, step: EdgeStep) -> dict[str, _Frozen]:
        adapter = step.adapter
        category = self._spec.categories[adapter.category]
        teacher = self._plan.graph.teacher_name(adapter) or category.network
        return {
            "category": self._network(category.network),
            "task": self._network(self._spec.tasks[adapter.task].network),
            "teacher": self._network(teacher),
        }

    def _edge(self, step: EdgeStep, learning: Learning) -> Edge:
        adapter = step.adapter
        category, task = self._spec.categories[adapter.category], self._spec.tasks[adapter.task]
        networks = {role: item.module for role, item in self._neighbours(step).items()}
        goal = self._questions.goal(adapter)
        size = self._questions.size(adapter)
        none = _no_pictures(size, goal)
        labelled = unlabelled = own = none
        question = self._questions.of_edge(adapter)
        if question is not None and learning.samples + learning.unlabelled:
            pictures = self._pictures(question, "train")
            drawn = draw(pictures, learning.samples, learning.unlabelled, learning.seed)
            labelled, unlabelled = drawn.labelled, drawn.unlabelled
        own_question = self._questions.of_task(adapter)
        if own_question is not None:
            own = self._pictures(own_question, "train")
        return Edge(
            category_module=freeze(bottom(networks["category"], category.until)),
            task_module=freeze(top(networks["task"], task.after)),
            own_category_module=freeze(bottom(networks["task"], task.after)),
            teacher=networks["teacher"],
            teacher_top=freeze(top(networks["teacher"], category.until)),
            goal=goal,
            size=size,
            labelled=labelled,
            unlabelled=unlabelled,
            own=own,
            name=step.name,
        )

    def _measured(self, step: EdgeStep, edge: Edge, adapter: Adapter) -> dict[str, float]:
        question = self._questions.of_edge(step.adapter)
        if question is None:
            return {}
        test = self._pictures(question, "test")
        middle = adapter.to(self._device)
        student = freeze(nn.Sequential(edge.category_module, middle, edge.task_module))
        metrics = measure(student, test, edge.goal, device=self._device)
        of_teacher = measure(edge.teacher, test, edge.goal, device=self._device)
        return metrics | {f"teacher_{name}": value for name, value in of_teacher.items()}

    def _network(self, name: str) -> _Frozen:
        if name not in self._networks:
            artifact = self._artifact(name)
            module = _filled(self._spec.networks[name].model, self._store.tensors(artifact))
            frozen = freeze(module.to(self._device))
            self._networks[name] = _Frozen(name, frozen, artifact.sha256)
        return self._networks[name]

    def _state(self, name: str) -> Mapping[str, torch.Tensor]:
        return self._store.tensors(self._artifact(name))

    def _artifact(self, name: str) -> Artifact:
        artifact = self._store.find("network", self._plan.network(name).key)
        if artifact is None:
            raise DiagnosticError.of(
                "LEGO704",
                f"the network `{name}` vanished from the store while it was needed",
                help=["run `legonet build` again; keep others from emptying the store meanwhile"],
            )
        return artifact


def _filled(model: Model, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """Return a network with given weights, without drawing a start that they replace."""
    module = instantiate(model, device="meta")
    module.load_state_dict(tensors, assign=True)
    if any(tensor.is_meta for tensor in (*module.parameters(), *module.buffers())):
        # What is in no state dict, such as a table of positions, only the constructor knows.
        module = instantiate(model)
        module.load_state_dict(tensors)
    return module


def _no_pictures(size: int, goal: Goal) -> Pictures:
    images = np.zeros((0, size, size, 3), np.uint8)
    masks = images[..., 0] if goal is Goal.SEGMENTATION else None
    return Pictures(images, np.zeros(0, np.int64), masks)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw from torch's own generator by a seed, and leave it as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
