"""Orders to Artifacts: the torch side of a build."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from legonet.build.execution.environment import environment
from legonet.build.execution.networks import Frozen, FrozenNetworks
from legonet.build.execution.order import Order
from legonet.build.planning.plan import EdgeStep
from legonet.build.planning.questions import Questions
from legonet.build.storage.checkpoints import FileCheckpoint, Stop
from legonet.build.storage.store import Store
from legonet.data import Pictures, Question, draw
from legonet.distill.edge import Edge
from legonet.distill.learn import learn
from legonet.distill.measure import measure
from legonet.distill.progress import Progress, Watch, unwatched
from legonet.distill.specific import train_specific
from legonet.distill.student_pool import MOST_BYTES, StudentPool
from legonet.modules.adapter import Adapter
from legonet.modules.cut import bottom, top
from legonet.modules.freeze import freeze
from legonet.modules.models import instantiate
from legonet.modules.weights import inherit, load_weights
from legonet.spec import Goal
from legonet.spec.declarations import Learning

Made = tuple[Mapping[str, torch.Tensor], dict[str, Any]]
"""Tensors and their certificate."""

PICTURES_KEPT = 12
"""Answers of a question's split that are kept in memory, at most."""


class Workshop:
    """Fills orders: trains networks, learns adapters, and puts them into the store.

    Frozen networks, pictures and the student sides of pseudo-gradients are kept for the orders
    that follow. It is safe to fill several orders at once in threads.

    Args:
        store: Where finished artifacts go, and networks come from.
        device: Where to compute.
        memory: Bytes for what is kept between orders; None for no limit.
    """

    def __init__(self, store: Store, device: str, memory: int | None = None) -> None:
        self._store = store
        self._device = device
        share = None if memory is None else memory // 2
        self._networks = FrozenNetworks(store, device, share)
        # Edges onto one task share the student's side of their pseudo-gradients.
        self._pool = StudentPool(MOST_BYTES if share is None else min(MOST_BYTES, share))
        # Edges that ask the same question share the pictures.
        self._pictures = lru_cache(maxsize=PICTURES_KEPT)(Question.read)
        # Edges of one teacher are held against the same figures, which take as long as their own.
        self._teachers: dict[tuple[str, Question], dict[str, float]] = {}

    def fill(
        self,
        order: Order,
        progress: Progress,
        watch: Watch = unwatched,
        stop: Stop | None = None,
    ) -> None:
        """Build what an order asks for.

        Args:
            order: The order.
            progress: Told of every batch and step.
            watch: Told of every point of the loss curves.
            stop: Says when to stop.

        Raises:
            DiagnosticError: It cannot be built, or a frozen network did not stay as it was.
            Stopped: It was asked to; the checkpoint is kept.
        """
        checkpoint = FileCheckpoint(self._store, order.key, stop)
        started = time.perf_counter()
        if isinstance(order.step, EdgeStep):
            tensors, certificate = self._edge(order, order.step, progress, watch, checkpoint)
        else:
            tensors, certificate = self._network(order, progress, watch, checkpoint)
        certificate |= {
            "inputs": order.step.inputs,
            "seconds": time.perf_counter() - started,
            "environment": environment(self._device),
        }
        self._store.put(order.step.kind, order.key, tensors, certificate)
        checkpoint.remove()

    def _network(
        self, order: Order, progress: Progress, watch: Watch, checkpoint: FileCheckpoint
    ) -> Made:
        """Train a specific network by its recipe, or take up its ready weights."""
        name = order.step.name
        network = order.graph.spec.networks[name]
        recipe = network.train
        module = instantiate(network.model, seed=recipe.seed if recipe else 0)
        certificate: dict[str, Any] = {"metrics": {}}
        if network.weights is not None:
            load_weights(module, network.weights, network.model)
        if network.init is not None:
            ancestor = self._frozen(order, network.init)
            certificate["inherited"] = list(inherit(module, ancestor.module.state_dict()))
            certificate["neighbours"] = {"ancestor": ancestor.sha256}
        question = Questions(order.graph).of_network(name)
        if recipe is not None and question is not None:
            pictures = self._pictures(question, "train")
            certificate["learned"] = train_specific(
                module,
                recipe,
                pictures,
                progress,
                device=self._device,
                watch=watch,
                checkpoint=checkpoint,
            )
            progress(1.0, "measuring")
            test = self._pictures(question, "test")
            metrics = measure(freeze(module), test, question.goal, device=self._device)
            certificate["metrics"] = metrics
        return module.state_dict(), certificate

    def _edge(
        self,
        order: Order,
        step: EdgeStep,
        progress: Progress,
        watch: Watch,
        checkpoint: FileCheckpoint,
    ) -> Made:
        """Learn an adapter, and measure it beside its teacher."""
        learning = step.adapter.learning
        if learning is None:
            raise ValueError(f"a direct edge has nothing to learn: {step.name}")
        questions = Questions(order.graph)
        frozen = self._neighbours(order, step)
        edge = self._edge_of(order, step, learning, questions, frozen)
        learned = learn(
            edge,
            learning,
            progress,
            device=self._device,
            watch=watch,
            checkpoint=checkpoint,
            pool=self._pool,
        )
        progress(1.0, "measuring")
        metrics = self._measured(step, edge, learned.adapter, questions, frozen["teacher"])
        self._networks.check({network.name: network for network in frozen.values()}.values())
        certificate = {
            "metrics": metrics,
            "learned": learned.certificate,
            "neighbours": {role: network.sha256 for role, network in frozen.items()},
            "adapter": {
                "channels_in": learned.adapter.channels_in,
                "channels_out": learned.adapter.channels_out,
                "kernels": list(learned.adapter.kernels),
            },
        }
        return learned.adapter.state_dict(), certificate

    def _neighbours(self, order: Order, step: EdgeStep) -> dict[str, Frozen]:
        spec, adapter = order.graph.spec, step.adapter
        category = spec.categories[adapter.category]
        names = {
            "category": category.network,
            "task": spec.tasks[adapter.task].network,
            "teacher": order.graph.teacher_name(adapter) or category.network,
        }
        return {role: self._frozen(order, name) for role, name in names.items()}

    def _edge_of(
        self,
        order: Order,
        step: EdgeStep,
        learning: Learning,
        questions: Questions,
        frozen: Mapping[str, Frozen],
    ) -> Edge:
        adapter, spec = step.adapter, order.graph.spec
        category, task = spec.categories[adapter.category], spec.tasks[adapter.task]
        networks = {role: item.module for role, item in frozen.items()}
        goal = questions.goal(adapter)
        size = questions.size(adapter)
        none = _no_pictures(size, goal)
        labelled = unlabelled = own = none
        question = questions.of_edge(adapter)
        if question is not None and learning.samples + learning.unlabelled:
            pictures = self._pictures(question, "train")
            drawn = draw(pictures, learning.samples, learning.unlabelled, learning.seed)
            labelled, unlabelled = drawn.labelled, drawn.unlabelled
        own_question = questions.of_task(adapter)
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

    def _measured(
        self,
        step: EdgeStep,
        edge: Edge,
        adapter: Adapter,
        questions: Questions,
        teacher: Frozen,
    ) -> dict[str, float]:
        question = questions.of_edge(step.adapter)
        if question is None:
            return {}
        test = self._pictures(question, "test")
        middle = adapter.to(self._device)
        student = freeze(nn.Sequential(edge.category_module, middle, edge.task_module))
        metrics = measure(student, test, edge.goal, device=self._device)
        asked = (teacher.sha256, question)
        if asked not in self._teachers:
            figures = measure(teacher.module, test, edge.goal, device=self._device)
            self._teachers[asked] = figures
        return metrics | {f"teacher_{name}": value for name, value in self._teachers[asked].items()}

    def _frozen(self, order: Order, name: str) -> Frozen:
        model = order.graph.spec.networks[name].model
        return self._networks.get(order.networks[name], name, model)


def _no_pictures(size: int, goal: Goal) -> Pictures:
    images = np.zeros((0, size, size, 3), np.uint8)
    masks = images[..., 0] if goal is Goal.SEGMENTATION else None
    return Pictures(images, np.zeros(0, np.int64), masks)
