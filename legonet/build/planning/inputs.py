"""Everything that determines a network's weights or an adapter's, and nothing else.

Names, comments, layout and places are not among it: to change them rebuilds nothing.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from legonet.build.planning.questions import Questions
from legonet.build.storage.contents import Contents
from legonet.build.storage.inventory import Inventory, inventory_key
from legonet.build.storage.keys import key_of
from legonet.data import Question, Source
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph
from legonet.spec.declarations import Adapter, Learning, Network, Recipe
from legonet.spec.methods import Method
from legonet.spec.models import Weights, WeightsFile

NETWORK_VERSION = 1
"""Raised with every change of code that gives a network other weights."""

ADAPTER_VERSION = 2
"""Raised with every change of code that gives adapters of all methods other weights."""

METHOD_VERSIONS = {"transplant": 2}
"""Raised where adapters of one method alone get other weights; a method not named here has none."""

Inputs = dict[str, Any]


class InputsOfGraph:
    """The inputs and keys of a graph's networks and edges.

    Args:
        graph: The graph.
        questions: Its questions.
        contents: Knows what files contain.

    Attributes:
        inventories: What stands behind the pictures that were asked for so far, by their
            `inventory_key`.
    """

    def __init__(self, graph: ModuleGraph, questions: Questions, contents: Contents) -> None:
        self._graph = graph
        self._questions = questions
        self._contents = contents
        self._networks: dict[str, Inputs] = {}
        self._network_keys: dict[str, str] = {}
        self._evidences: dict[tuple[Source, str | None], Inputs] = {}
        self.inventories: dict[str, Inventory] = {}

    def of_network(self, name: str) -> Inputs:
        """Return what determines a network's weights and figures.

        Raises:
            DiagnosticError: Its weights or pictures cannot be found.
        """
        if name not in self._networks:
            network = self._graph.spec.networks[name]
            self._networks[name] = {
                "version": NETWORK_VERSION,
                "model": form_of(network.model),
                "init": None if network.init is None else self.network_key(network.init),
                "weights": self._weights(name, network),
                "train": None if network.train is None else self._recipe(name, network.train),
            }
        return self._networks[name]

    def network_key(self, name: str) -> str:
        """Return a network's content key."""
        if name not in self._network_keys:
            self._network_keys[name] = key_of(self.of_network(name))
        return self._network_keys[name]

    def of_edge(self, adapter: Adapter, learning: Learning) -> Inputs:
        """Return what determines an adapter's weights and figures.

        Raises:
            DiagnosticError: Its pictures cannot be found.
        """
        spec = self._graph.spec
        category, task = spec.categories[adapter.category], spec.tasks[adapter.task]
        teacher = self._graph.teacher_name(adapter) or category.network
        question = self._questions.of_edge(adapter)
        return {
            "version": ADAPTER_VERSION,
            "category": {"network": self.network_key(category.network), "until": category.until},
            "task": {"network": self.network_key(task.network), "after": task.after},
            "teacher": self.network_key(teacher),
            "layers": list(learning.layers),
            "method": _method(learning.method),
            "samples": learning.samples,
            "unlabelled": learning.unlabelled,
            "seed": learning.seed,
            "size": self._questions.size(adapter),
            "data": None if question is None else self._data(question),
        }

    def _weights(self, name: str, network: Network) -> Inputs | None:
        weights: Weights | None = network.weights
        if not isinstance(weights, WeightsFile):
            return None if weights is None else form_of(weights)
        try:
            (digest,) = self._contents.digest([weights.file])
        except DiagnosticError as error:
            located = (
                self._graph.spec.locate(item, ("network", name), "weights")
                for item in error.diagnostics
            )
            raise DiagnosticError(*located) from None
        return {"file": digest}

    def _recipe(self, name: str, recipe: Recipe) -> Inputs:
        question = self._questions.of_network(name)
        plain = {
            field: _plain(value)
            for field, value in recipe
            if field not in ("data", "category", "goal", "background")
        }
        return plain if question is None else {**plain, "data": self._data(question)}

    def _data(self, question: Question) -> Inputs:
        return {
            "size": question.size,
            "category": question.category,
            "goal": question.goal.value,
            "background": question.background,
            **self._evidence(question.source, question.category),
        }

    def _evidence(self, source: Source, category: str | None) -> Inputs:
        """Return the digests of a category's pictures, found once for all who ask."""
        known = self._evidences.get((source, category))
        if known is None:
            evidence = source.evidence(category)
            digests = self._contents.digest(evidence.files)
            # Thousands of files, and Path takes its time.
            files = [os.path.abspath(file) for file in evidence.files]  # noqa: PTH100
            inventory = Inventory(evidence.values, files, digests)
            known = inventory.inputs
            self._evidences[source, category] = known
            self.inventories[inventory_key(known)] = inventory
        return known


def form_of(form: BaseModel) -> Inputs:
    """Return a form's name and arguments; paths are left out, what lies there is what counts."""
    call = {"call": form.call} if hasattr(form, "call") else {}
    fields = {name: _plain(value) for name, value in form if not isinstance(value, Path)}
    return {**call, **fields}


def _method(method: Method) -> Inputs:
    version = METHOD_VERSIONS.get(method.call)
    return form_of(method) | ({} if version is None else {"version": version})


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case tuple() | list():
            return [_plain(item) for item in value]
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
    return value
