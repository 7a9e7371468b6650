"""Everything that determines a network's weights or an adapter's, and nothing else.

Names, comments, layout and paths are not part of it: changing them rebuilds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from legonet.building.planning.datasets import TaskDatasets
from legonet.building.planning.model_code import code_of
from legonet.building.storage.digest_cache import DigestCache
from legonet.building.storage.file_list import FileList, file_list_key
from legonet.building.storage.keys import key_of
from legonet.data import Source, TaskDataset
from legonet.data.orientation import count_turned
from legonet.diagnostics import DiagnosticError
from legonet.graph.resolved import ResolvedEdge, ResolvedJoint, ResolvedNetwork
from legonet.language.declarations import Learning, Recipe
from legonet.language.models import LibraryModel, Model
from legonet.language.weights import TorchvisionWeights, Weights, WeightsFile

NETWORK_VERSION = 1
"""Raised with every change of code that gives a network other weights."""

ADAPTER_VERSION = 4
"""Raised with every change of code that gives adapters of all methods other weights."""

JOINT_VERSION = 1
"""Raised with every change of code that joins the answers of categories in another way."""

_UNUSUAL = ("IMAGENET1K_FEATURES", "googlenet", "inception_v3")
"""torchvision's weights and models that expect other pictures."""

Inputs = dict[str, Any]


class InputsOfGraph:
    """The inputs and keys of a graph's networks and edges.

    Args:
        network: Returns a network by its name.
        datasets: Opens their datasets.
        contents: Knows the digests of files.

    Attributes:
        file_lists: The file lists of the pictures requested so far, by their `file_list_key`.
    """

    def __init__(
        self,
        network: Callable[[str], ResolvedNetwork],
        datasets: TaskDatasets,
        contents: DigestCache,
    ) -> None:
        self._network = network
        self._datasets = datasets
        self._contents = contents
        self._networks: dict[str, Inputs] = {}
        self._network_keys: dict[str, str] = {}
        self._fingerprints: dict[tuple[Source, str | None], Inputs] = {}
        self.file_lists: dict[str, FileList] = {}

    def of_network(self, network: ResolvedNetwork) -> Inputs:
        """Return what determines a network's weights and figures.

        Raises:
            DiagnosticError: Its weights or pictures cannot be found.
        """
        if network.name not in self._networks:
            ancestor, recipe = network.declaration.init, network.declaration.train
            output = network.declaration.output
            weights = self._weights(network)
            # The digest of tensors is that of their entry: where they come from does not count.
            elsewhere = ("entry",) if weights is not None and "tensors" in weights else ()
            self._networks[network.name] = {
                "version": NETWORK_VERSION,
                "model": self._model(network),
                **({} if output is None else {"output": output}),
                "init": None if ancestor is None else self.network_key(ancestor),
                "weights": weights,
                **_given("loading", network.declaration.loading, *elsewhere),
                **self._input(network),
                "train": None if recipe is None else self._recipe(network, recipe),
            }
        return self._networks[network.name]

    def network_key(self, name: str) -> str:
        """Return a network's content key."""
        if name not in self._network_keys:
            self._network_keys[name] = key_of(self.of_network(self._network(name)))
        return self._network_keys[name]

    def of_edge(self, edge: ResolvedEdge, learning: Learning) -> Inputs:
        """Return what determines an adapter's weights and figures.

        Raises:
            DiagnosticError: Its pictures cannot be found.
        """
        dataset = self._datasets.of_edge(edge)
        keys = {role: self.network_key(name) for role, name in edge.needs.items()}
        # What is found by itself has no entry, so that keys stay those from before layouts.
        said = [{} if layout is None else {"layout": layout} for layout in edge.layouts]
        return {
            "version": ADAPTER_VERSION,
            "category": {"network": keys["category"], "until": edge.until} | said[0],
            "task": {"network": keys["task"], "after": edge.after} | said[1],
            "teacher": keys["teacher"],
            "layers": list(learning.layers),
            **({} if learning.resize is None else {"resize": learning.resize}),
            "activation": learning.activation,
            "method": form_of(learning.method) | learning.method.versions,
            "samples": learning.samples,
            "unlabelled": learning.unlabelled,
            "seed": learning.seed,
            "size": self._datasets.size(edge),
            "data": None if dataset is None else self._data(dataset),
        }

    def of_joint(self, joint: ResolvedJoint) -> Inputs:
        """Return what determines the certificate of a joint path.

        Raises:
            DiagnosticError: Its pictures cannot be found.
        """
        return {
            "version": JOINT_VERSION,
            "edges": [
                {
                    "category": {
                        "network": self.network_key(edge.category_network.name),
                        "until": edge.until,
                    },
                    "adapter": self._adapter_key(edge),
                    "teacher": self.network_key(edge.teacher.name),
                    "answers": list(answered),
                }
                for edge, answered in zip(joint.edges, joint.answered, strict=True)
            ],
            "task": {
                "network": self.network_key(joint.edges[0].task_network.name),
                "after": joint.edges[0].after,
            },
            "data": [self._data(part.asked) for part in self._datasets.of_joint(joint)],
        }

    def _adapter_key(self, edge: ResolvedEdge) -> str | None:
        """Return the content key of an edge's adapter; None for a direct edge."""
        return None if edge.learning is None else key_of(self.of_edge(edge, edge.learning))

    def _model(self, network: ResolvedNetwork) -> Inputs:
        """Return a model's name, arguments, and the version and the contents of its code."""
        form = network.model
        if isinstance(form, LibraryModel):
            return form_of(form)
        try:
            code = code_of(form, self._contents)
            digests = self._contents.digest(form.files) if form.files else []
        except DiagnosticError as error:
            raise self._datasets.located(error, ("network", network.name), ("model",)) from None
        found = list(zip(form.files, digests, strict=True))
        return {
            **form_of(form),
            **({} if form.version is None else {"version": form.version}),
            **({} if code is None else {"code": code}),
            **({"files": {file.name: digest for file, digest in found}} if found else {}),
        }

    def _weights(self, network: ResolvedNetwork) -> Inputs | None:
        weights, loading = network.declaration.weights, network.declaration.loading
        try:
            return self._tensors(weights, None if loading is None else loading.entry)
        except DiagnosticError as error:
            raise self._datasets.located(error, ("network", network.name), ("weights",)) from None

    def _input(self, network: ResolvedNetwork) -> Inputs:
        """Return what the pictures of a network are converted to, as far as it is said.

        What its library says of ready weights is known only where the library is imported, so the
        key has no more than that it is asked.
        """
        declaration, model = network.declaration, network.model
        found: Inputs = {}
        if declaration.input is not None:
            found = {
                field: _plain(getattr(declaration.input, field))
                for field in sorted(declaration.input.model_fields_set)
            }
        try:
            if declaration.weights is not None and has_own_input(model, declaration.weights):
                own = None if isinstance(model, LibraryModel) else model.own_input()
                found["weights"] = "library" if own is None else own.model_dump(mode="json")
        except DiagnosticError as error:
            raise self._datasets.located(error, ("network", network.name), ("model",)) from None
        return {"input": found} if found else {}

    def _tensors(self, weights: Weights | None, entry: str | None) -> Inputs | None:
        """Return the digest of the tensors in a file, whatever its format, or what names them.

        What is no file of weights counts as it is: only a build needs what is in it.
        """
        if not isinstance(weights, WeightsFile):
            return None if weights is None else form_of(weights)
        from legonet.modules.weight_files import parts_of, weights_digest

        try:
            files = parts_of(weights.file)
        except DiagnosticError:
            files = [weights.file]
        digests = self._contents.digest(files)
        try:
            return {
                "tensors": self._contents.derived(
                    f"tensors {entry or ''}", digests, lambda: weights_digest(weights.file, entry)
                )
            }
        except DiagnosticError:
            return {"file": digests[0] if len(digests) == 1 else key_of(digests)}

    def _recipe(self, network: ResolvedNetwork, recipe: Recipe) -> Inputs:
        dataset = self._datasets.of_network(network)
        plain = {
            field: _plain(value)
            for field, value in recipe
            if field not in ("data", "category", "goal", "background")
        }
        return plain if dataset is None else {**plain, "data": self._data(dataset)}

    def _data(self, dataset: TaskDataset) -> Inputs:
        # Plain pictures have no entry, so that their keys stay those from before transforms.
        transform = dataset.transform
        return {
            "size": dataset.size,
            "category": None if dataset.only else dataset.category,
            "goal": dataset.goal.name,
            "background": dataset.background,
            **({} if transform is None else {"transform": form_of(transform)}),
            **({} if dataset.asked is None else {"labels": list(dataset.asked)}),
            **({"only": list(dataset.only)} if dataset.only else {}),
            **self._fingerprint(dataset.source, None if dataset.only else dataset.category),
        }

    def _fingerprint(self, source: Source, category: str | None) -> Inputs:
        """Return the digests of a category's pictures, computed only once."""
        known = self._fingerprints.get((source, category))
        if known is None:
            fingerprint = source.fingerprint(category)
            digests = self._contents.digest(fingerprint.files)
            # There can be thousands of files, and Path is slow.
            files = [os.path.abspath(file) for file in fingerprint.files]  # noqa: PTH100
            file_list = FileList(fingerprint.values, files, digests)
            known = file_list.inputs
            self.file_lists[file_list_key(known)] = file_list
            # Pictures that were upright from the start have no entry, so that their keys stay
            # those from before any picture was turned.
            turned = self._contents.derived(
                "turned pictures", [known["files"]], lambda: str(count_turned(files))
            )
            known |= {} if turned == "0" else {"turned": turned}
            self._fingerprints[source, category] = known
        return known


def form_of(form: BaseModel) -> Inputs:
    """Return a form's name and arguments, without paths: what the files contain is what counts."""
    call = {"call": form.call} if hasattr(form, "call") else {}
    fields = {name: _plain(value) for name, value in form if not isinstance(value, Path)}
    return {**call, **fields}


def _given(name: str, block: BaseModel | None, *others: str) -> Inputs:
    """Return the fields of a block that differ from their defaults, if any do, under its name.

    Args:
        name: The name of the block.
        block: The block; None if there is none.
        others: Fields that count elsewhere.
    """
    if block is None:
        return {}
    plain = {
        field: _plain(value)
        for field, value in block
        if field not in others
        and value != type(block).model_fields[field].get_default(call_default_factory=True)
    }
    return {name: plain} if plain else {}


def has_own_input(model: Model, weights: Weights) -> bool:
    """Whether ready weights may expect other pictures than ImageNet's usual ones.

    Nearly all of torchvision's expect these, so their keys say nothing of them.
    """
    if not isinstance(model, LibraryModel):
        return model.own_input() is not None
    if not isinstance(weights, TorchvisionWeights):
        return model.library == "timm"
    return weights.name in _UNUSUAL or model.name in _UNUSUAL


def _plain(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case tuple() | list():
            return [_plain(item) for item in value]
        case BaseModel():
            return {name: _plain(item) for name, item in value}
        case dict():
            return {str(name): _plain(item) for name, item in value.items()}
    return value
