"""Jobs to Artifacts: the part of a build that uses torch."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from legonet.building.execution.answers import edge_modules
from legonet.building.execution.caches import (
    MOST_PICTURES,
    Frozen,
    FrozenNetworks,
    PictureCache,
    filled,
    input_in,
)
from legonet.building.execution.decoded_pictures import DecodedPictures
from legonet.building.execution.job import Job
from legonet.building.execution.resources import environment
from legonet.building.planning.datasets import TaskDatasets
from legonet.building.planning.plan import EdgeStep, JointStep, NetworkStep, Step
from legonet.building.storage.checkpoints import FileCheckpoint, Stop
from legonet.building.storage.diagnoses import value_of
from legonet.building.storage.keys import key_of
from legonet.building.storage.store import MEASURE_VERSION, Artifact, DamagedError, Store, vanished
from legonet.data import Pictures, draw
from legonet.data.joint_dataset import together
from legonet.diagnostics import Diagnostic, Severity
from legonet.distill.edges.edge import Edge
from legonet.distill.edges.feature_cache import MOST_BYTES as MOST_FEATURES
from legonet.distill.edges.feature_cache import FeatureCache
from legonet.distill.learn import learn
from legonet.distill.measure import Measured, as_taught, hardly_answered, judge, measure, measured
from legonet.distill.progress import Progress, Watch, unwatched
from legonet.distill.pseudo_gradients.student_pool import MOST_BYTES, StudentPool
from legonet.distill.training.network_training import train_network
from legonet.goals import Goal
from legonet.goals.figures.confusion import confusion
from legonet.graph.resolved import ResolvedNetwork
from legonet.language.declarations import Learning
from legonet.language.inputs import Input
from legonet.modules.bridge import entering, leaving
from legonet.modules.calibration import with_calibration
from legonet.modules.cut import bottom, top
from legonet.modules.freeze import freeze
from legonet.modules.inputs import convert_input, input_of
from legonet.modules.joint import joint_logits
from legonet.modules.labels import published_labels
from legonet.modules.models import instantiate
from legonet.modules.shapes import Bottom, bridge_between
from legonet.modules.weights import inherit, load_weights

Made = tuple[Mapping[str, torch.Tensor], dict[str, Any]]
"""Tensors and their certificate."""

FIGURES_KEPT = 64
"""How many teachers' and donors' figures are kept, at most."""


class StepRunner:
    """Runs jobs: trains networks, learns adapters, and puts them into the store.

    Frozen networks, pictures and the student sides of pseudo-gradients are kept for later jobs.
    It is safe to run several jobs at once in threads.

    Args:
        store: Where finished artifacts go, and where networks come from.
        device: Where to compute.
        memory: Bytes for what is kept between jobs; None for no limit.
    """

    def __init__(self, store: Store, device: str, memory: int | None = None) -> None:
        self._store = store
        self._device = device
        # Networks, student sides, features and pictures have a quarter each.
        share = None if memory is None else memory // 4
        self._networks = FrozenNetworks(store, device, share)
        # Edges to one task share the student's side of their pseudo-gradients.
        self._pool = StudentPool(MOST_BYTES if share is None else min(MOST_BYTES, share))
        # Edges from one category module share its features; those to one task module, its answers.
        self._features = FeatureCache(MOST_FEATURES if share is None else min(MOST_FEATURES, share))
        # Edges on the same dataset share the pictures.
        self._pictures = PictureCache(
            DecodedPictures(store.folder),
            MOST_PICTURES if share is None else min(MOST_PICTURES, share),
        )
        # Edges are compared with teachers and donors, which take as long to measure as the edges.
        self._others: OrderedDict[tuple[str, str], Measured] = OrderedDict()

    def run(
        self,
        job: Job,
        progress: Progress,
        watch: Watch = unwatched,
        stop: Stop | None = None,
    ) -> None:
        """Build what a job asks for.

        Args:
            job: The job.
            progress: Is told about every batch and step.
            watch: Receives every point of the loss curves.
            stop: Says when to stop.

        Raises:
            DiagnosticError: It cannot be built, or a frozen network was changed.
            Stopped: It was asked to stop; the checkpoint is kept.
        """
        checkpoint = FileCheckpoint(self._store, job.key, stop)
        existing = self._store.find(job.step.kind, job.key)
        if job.step.action == "measure" and existing is not None:
            self._measure_again(job, existing, progress)
            return
        started = time.perf_counter()
        if isinstance(job.step, EdgeStep):
            tensors, certificate = self._edge(job, job.step, progress, watch, checkpoint)
        elif isinstance(job.step, JointStep):
            tensors, certificate = {}, self._joint(job, job.step, progress)
        else:
            tensors, certificate = self._network(job, job.step, progress, watch, checkpoint)
        certificate |= {
            "inputs": job.step.inputs,
            "seconds": time.perf_counter() - started,
            "environment": environment(self._device),
        }
        self._store.put(job.step.kind, job.key, tensors, certificate)
        checkpoint.remove()

    def _measure_again(self, job: Job, existing: Artifact, progress: Progress) -> None:
        """Give an artifact the figures that this version of legonet knows, and nothing else."""
        progress(0.0, "measuring")
        tensors = self._store.tensors(existing)
        certificate = dict(existing.certificate)
        if isinstance(job.step, EdgeStep):
            edge = job.step.edge
            frozen = self._frozen_networks(job, job.step)
            lower = bottom(frozen["category"].module, edge.until)
            upper = top(frozen["task"].module, edge.after)
            middle, calibration = edge_modules(existing, tensors)
            student = _joined(lower, middle, upper, calibration).to(self._device)
            certificate |= self._figures(job.step, student, frozen, certificate["learned"])
        elif isinstance(job.step, JointStep):
            certificate |= self._joint(job, job.step, progress)
        else:
            network = filled(job.step.network.model, tensors, input_in(existing))
            certificate |= self._figures_of_network(job.step, freeze(network.to(self._device)))
        self._store.put(job.step.kind, job.key, tensors, certificate)

    def _network(
        self,
        job: Job,
        step: NetworkStep,
        progress: Progress,
        watch: Watch,
        checkpoint: FileCheckpoint,
    ) -> Made:
        """Train a specific network by its recipe, or load its ready weights."""
        network = step.network
        declaration, recipe = network.declaration, network.declaration.train
        module = instantiate(network.model, seed=recipe.seed if recipe else 0)
        certificate: dict[str, Any] = {"metrics": {}}
        load_weights(module, declaration)
        ancestor_input: Input | None = None
        if declaration.init is not None and network.ancestor_model is not None:
            name = declaration.init
            ancestor = self._networks.get(job.networks[name], name, network.ancestor_model)
            certificate["inherited"] = list(inherit(module, ancestor.module.state_dict()))
            certificate["dependencies"] = {"ancestor": ancestor.sha256}
            ancestor_input = ancestor.input
        expected = input_of(declaration, module, ancestor_input)
        if not expected.is_default:
            convert_input(module, expected)
            certificate["input"] = expected.model_dump(mode="json")
        dataset = _datasets().of_network(network)
        if recipe is not None and dataset is not None:
            pictures = self._pictures.read(_contents(step), dataset, "train")
            certificate["learned"] = train_network(
                module,
                recipe,
                pictures,
                progress,
                device=self._device,
                watch=watch,
                checkpoint=checkpoint,
            )
            progress(1.0, "measuring")
            certificate |= self._figures_of_network(step, freeze(module))
        return module.state_dict(), certificate

    def _figures_of_network(self, step: NetworkStep, module: nn.Module) -> dict[str, Any]:
        """Return what a certificate says of how good a network is."""
        dataset = _datasets().of_network(step.network)
        if dataset is None:
            return {"metrics": {}}
        test = self._pictures.read(_contents(step), dataset, "test")
        metrics = measure(module, test, dataset.goal, device=self._device)
        return {"metrics": metrics, "measured": MEASURE_VERSION}

    def _edge(
        self,
        job: Job,
        step: EdgeStep,
        progress: Progress,
        watch: Watch,
        checkpoint: FileCheckpoint,
    ) -> Made:
        """Learn an adapter, and measure it against its teacher."""
        learning = step.edge.learning
        if learning is None:
            raise ValueError(f"a direct edge has nothing to learn: {step.name}")
        frozen = self._frozen_networks(job, step)
        edge = self._edge_of(job, step, learning, frozen)
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
        student = _joined(
            edge.category_module, learned.adapter, edge.task_module, learned.calibration
        )
        figures = self._figures(step, student.to(self._device), frozen, learned.certificate)
        self._networks.check({network.name: network for network in frozen.values()}.values())
        adapter = learned.adapter
        if edge.bridge is not None:
            adapter = adapter.bridged(edge.bridge)
        certificate = {
            **figures,
            "learned": learned.certificate,
            "dependencies": {role: network.sha256 for role, network in frozen.items()},
            "adapter": {
                **adapter.description,
                "calibrated": learned.calibration is not None,
            },
        }
        tensors = with_calibration(adapter.state_dict(), learned.calibration)
        return tensors, certificate

    def _joint(self, job: Job, step: JointStep, progress: Progress) -> dict[str, Any]:
        """Return the certificate of a joint path: its answers beside those of the teachers."""
        joint = step.joint
        progress(0.0, "measuring")
        parts = _datasets().of_joint(joint)
        contents = [key_of(inputs) for inputs in step.inputs["data"]]
        test = together(
            [
                part.read(partial(self._pictures.read, content, split="test"))
                for part, content in zip(parts, contents, strict=True)
            ]
        )
        used: dict[str, str] = {}
        warnings: list[Diagnostic] = []

        def network(resolved: ResolvedNetwork) -> nn.Module:
            found = self._networks.get(job.networks[resolved.name], resolved.name, resolved.model)
            used[resolved.name] = found.sha256
            return found.module

        students, teachers = [], []
        for edge in joint.edges:
            lower = bottom(network(edge.category_network), edge.until)
            upper = top(network(edge.task_network), edge.after)
            middle: tuple[nn.Module | None, nn.Module | None] = (None, None)
            if edge.learning is not None:
                artifact = self._store.find("adapter", job.networks[edge.name])
                if artifact is None:
                    gone = vanished("adapter").diagnostics[0]
                    raise DamagedError(gone, "adapter", job.networks[edge.name])
                used[edge.name] = artifact.sha256
                middle = edge_modules(artifact, self._store.tensors(artifact))
                if artifact.failure is not None:
                    warnings.append(_at_chance(edge.name))
            student = _joined(lower, middle[0], upper, middle[1])
            students.append(freeze(student.to(self._device)))
            teachers.append(network(edge.teacher))
        goal = joint.goal
        own = measured(_joint_answers(students), test, goal, device=self._device)
        progress(0.5, "measuring the teachers")
        others = measured(_joint_answers(teachers), test, goal, device=self._device)
        truth = goal.truth(test.labels, test.masks)
        if truth is None:
            raise ValueError(f"no right answers for {step.name}")
        known = goal.known(truth)
        counts, teacher_counts = (
            confusion(truth[known], asked.answers[known], len(joint.labels))
            for asked in (own, others)
        )
        warnings += hardly_answered(joint.labels, counts, teacher_counts)
        return {
            "metrics": {
                **own.metrics,
                **{f"teacher_{name}": value for name, value in others.metrics.items()},
            },
            "measured": MEASURE_VERSION,
            "labels": list(joint.labels),
            "confusion": counts,
            "teacher_confusion": teacher_counts,
            "warnings": [value_of(item) for item in warnings],
            "dependencies": used,
        }

    def _frozen_networks(self, job: Job, step: EdgeStep) -> dict[str, Frozen]:
        """Return the networks that an edge is made of, by role."""
        return {
            role: self._networks.get(job.networks[network.name], network.name, network.model)
            for role, network in step.edge.networks.items()
        }

    def _edge_of(
        self, job: Job, step: EdgeStep, learning: Learning, frozen: Mapping[str, Frozen]
    ) -> Edge:
        resolved, datasets = step.edge, _datasets()
        networks = {role: item.module for role, item in frozen.items()}
        size = datasets.size(resolved)
        none = _no_pictures(size)
        labelled = unlabelled = own = none
        dataset = datasets.of_edge(resolved)
        if dataset is not None and learning.samples + learning.unlabelled:
            pictures = self._pictures.read(_contents(step), dataset, "train")
            drawn = draw(
                pictures,
                learning.samples,
                learning.unlabelled,
                learning.seed,
                single=dataset.category is not None,
            )
            labelled, unlabelled = drawn.labelled, drawn.unlabelled
        own_dataset = datasets.of_task(resolved)
        if own_dataset is not None:
            contents = self._contents_of_task(job.networks[resolved.task_network.name], size)
            own = self._pictures.read(contents, replace(own_dataset, transform=None), "train")
        keys = {role: item.sha256 for role, item in frozen.items()}
        keep = self._features.remembering
        below = bottom(networks["category"], resolved.until)
        own_below = bottom(networks["task"], resolved.after)
        category_layout, task_layout = resolved.layouts
        bridge = bridge_between(
            Bottom(networks["category"], below, category_layout),
            Bottom(networks["task"], own_below, task_layout),
            size=size,
            resize=learning.resize,
        )
        features = keep(freeze(below), keys["category"], "until", resolved.until)
        own_features = keep(freeze(own_below), keys["task"], "until", resolved.after)
        task_module = leaving(top(networks["task"], resolved.after), bridge.own)
        teacher_top = leaving(top(networks["teacher"], resolved.until), bridge.inverse)
        form = () if bridge.is_plain else (bridge.own,)
        return Edge(
            category_module=freeze(entering(features, bridge)),
            task_module=freeze(task_module),
            own_category_module=freeze(entering(own_features, bridge.own)),
            teacher=freeze(keep(networks["teacher"], keys["teacher"])),
            teacher_top=freeze(teacher_top),
            bridge=None if bridge.is_plain else bridge,
            goal=resolved.goal,
            size=size,
            labelled=labelled,
            unlabelled=unlabelled,
            own=own,
            name=step.name,
            transform=None if dataset is None else dataset.transform,
            own_transform=None if own_dataset is None else own_dataset.transform,
            remembering=lambda module, name: freeze(
                keep(module, keys["task"], "after", resolved.after, name, *form)
            ),
        )

    def _contents_of_task(self, key: str, size: int) -> str:
        """Return the digest of what a task's network was trained on, at a size, untransformed."""
        artifact = self._store.find("network", key)
        if artifact is None:
            raise ValueError(f"the network was just read: {key}")
        data = {**artifact.certificate["inputs"]["train"]["data"], "size": size}
        data.pop("transform", None)
        return key_of(data)

    def _figures(
        self,
        step: EdgeStep,
        student: nn.Module,
        frozen: Mapping[str, Frozen],
        learned: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return what a certificate says of how good an edge is."""
        dataset, learning = _datasets().of_edge(step.edge), step.edge.learning
        if dataset is None or learning is None:
            return {"metrics": {}}
        contents = _contents(step)
        test = self._pictures.read(contents, dataset, "test")
        if not dataset.knows_answers:
            teacher = frozen["teacher"]
            test = as_taught(test, teacher.module, dataset.goal, device=self._device)
            contents = f"{contents} as {teacher.sha256} answers"
        judged = judge(
            measured(freeze(student), test, dataset.goal, device=self._device),
            self._measured(frozen["teacher"], contents, test, dataset.goal),
            self._measured(frozen["task"], contents, test, dataset.goal),
            test,
            dataset.goal,
            learned=learned,
            learned_from=learning.samples + learning.unlabelled,
            against_teacher=not dataset.knows_answers,
        )
        return {
            "metrics": judged.metrics,
            "measured": MEASURE_VERSION,
            "failure": None if judged.failure is None else value_of(judged.failure),
            "warnings": [value_of(item) for item in judged.warnings],
        }

    def _measured(self, network: Frozen, contents: str, test: Pictures, goal: Goal) -> Measured:
        """Return the figures of a teacher or a donor, measured once for all edges."""
        asked = (network.sha256, contents)
        found = self._others.get(asked)
        if found is None:
            # Its answers about a background that several categories share are known afterwards.
            module = self._features.remembering(network.module, network.sha256).eval()
            found = measured(module, test, goal, device=self._device, apart=True)
            self._others[asked] = found
            for old in list(self._others)[:-FIGURES_KEPT]:
                self._others.pop(old, None)
        return found


def _joint_answers(networks: Sequence[nn.Module]) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what answers about all categories by asking a network for each."""
    return lambda pictures: joint_logits([network(pictures) for network in networks])


def _at_chance(edge: str) -> Diagnostic:
    return Diagnostic(
        "LEGO655",
        f"the edge `{edge}` is no better than chance, and a joint path asks it",
        help=("mend the edge, or leave its category out of the path",),
        severity=Severity.WARNING,
    )


def _contents(step: Step) -> str:
    """Return the digest of a step's dataset and of all files that its pictures come from."""
    inputs = step.inputs
    return key_of((inputs if isinstance(step, EdgeStep) else inputs["train"])["data"])


def _joined(*parts: nn.Module | None) -> nn.Sequential:
    """Return the existing parts of a route, in running order."""
    return nn.Sequential(*(part for part in parts if part is not None))


def _no_pictures(size: int) -> Pictures:
    return Pictures(np.zeros((0, size, size, 3), np.uint8), np.zeros(0, np.int64))


def _datasets() -> TaskDatasets:
    return TaskDatasets(published=published_labels)
