"""Why a step is to be built: what its name was built from last time, and what differs now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from legonet.building.storage.build_history import BuildHistory, Inputs
from legonet.building.storage.database import Database
from legonet.building.storage.file_list import FileList, file_list_key, find, names_pictures
from legonet.graph import ModuleGraph
from legonet.language.weights import WeightsFile

_ROLES = {
    ("category", "network"): "category",
    ("task", "network"): "task",
    ("teacher",): "teacher",
    ("init",): "ancestor",
}
"""Where inputs hold the key of a network, and the network's role."""

_VERSIONS = {("version",), ("method", "version"), ("method", "start_version")}

_WEIGHTS = {("weights", "tensors"), ("weights", "file")}

Path = tuple[str, ...]
"""The names that lead to a part of inputs."""


class Reasons:
    """Says what changed since a name was built, down to a field or a file.

    Args:
        graph: The graph as it is now.
        history: Knows what names were built from.
        index: Has the file lists of the pictures as they were then.
        found: File lists of the pictures as they are now, by their key.
        inputs_of_network: Returns what a network of the graph is built from now.
    """

    def __init__(
        self,
        graph: ModuleGraph,
        history: BuildHistory,
        index: Database,
        found: Mapping[str, FileList],
        inputs_of_network: Callable[[str], Inputs],
    ) -> None:
        self._graph = graph
        self._history = history
        self._index = index
        self._found = found
        self._inputs_of_network = inputs_of_network
        self._once = lru_cache(maxsize=None)(history.once)
        self._told: set[str] = set()

    def tell(self, network: str) -> None:
        """Note that a network states its own reasons, so that its edges need not repeat them."""
        self._told.add(network)

    def of(self, name: str, inputs: Inputs, networks: Mapping[str, str]) -> tuple[str, ...]:
        """Return what changed since a network or an edge was built, in a few words each.

        Args:
            name: A network's name, or ``CATEGORY -> TASK``.
            inputs: What it is to be built from.
            networks: The names of the networks that it needs, by role.
        """
        before = self._history.inputs(name)
        if before is None:
            return ("not built yet",)
        weights = self._weights_file(name)
        found = self._changes(before, inputs, networks, weights, ())
        # A network may have several roles.
        return tuple(dict.fromkeys(found)) or ("its artifact is gone from the store",)

    def _changes(
        self,
        before: Inputs,
        now: Inputs,
        networks: Mapping[str, str],
        weights: str,
        path: Path,
    ) -> Iterator[str]:
        if names_pictures(before) and names_pictures(now):
            yield from self._pictures(before, now, path)
            before, now = _without_digests(before), _without_digests(now)
        for field in sorted({*before, *now}):
            old, new = before.get(field), now.get(field)
            if old == new:
                continue
            place = (*path, field)
            if field == "edges" and isinstance(old, list) and isinstance(new, list):
                yield from _edges(old, new)
            elif place in _ROLES:
                yield self._network(place, old, new, networks)
            elif place in _VERSIONS:
                change = f"{_shown(old)} -> {_shown(new)}"
                yield f"another version of legonet computes it differently ({change})"
            elif path in (("model", "code"), ("model", "files")):
                yield f"model: {_told(old, new)} {field}"
            elif place in _WEIGHTS and weights:
                yield f"weights: other contents of {weights}"
            elif old is not None and new is not None and _alike(old, new):
                yield from self._changes(old, new, networks, weights, place)
            else:
                yield f"{'.'.join(place)}: {_shown(old)} -> {_shown(new)}"

    def _network(
        self, place: Path, old: str | None, new: str | None, networks: Mapping[str, str]
    ) -> str:
        """Say what became of a network that inputs refer to."""
        name = networks.get(_ROLES[place])
        once = {} if old is None else self._once(old)
        where = ".".join(place)
        if old is None or new is None or name is None:
            return f"{where}: {_last(once) if old else 'none'} -> {name or 'none'}"
        if once and name not in once and _last(once) in self._graph.spec.networks:
            return f"{where}: {_last(once)} -> {name}"
        if not once or name in self._told:
            return f"`{name}` changed"
        then = once[_last(once)]
        ancestor = self._graph.spec.networks[name].init
        inner = {} if ancestor is None else {"ancestor": ancestor}
        details = self._changes(
            then, self._inputs_of_network(name), inner, self._weights_file(name), ()
        )
        return f"`{name}` changed: {'; '.join(details)}"

    def _pictures(self, before: Inputs, now: Inputs, path: Path) -> Iterator[str]:
        where = ".".join((*path, "files"))
        if file_list_key(before) == file_list_key(now):
            if before.get("turned") != now.get("turned"):
                yield f"{where}: {now.get('turned', 'none')} of them are now turned upright"
            return
        old, new = find(self._index, before), self._found.get(file_list_key(now))
        if old is not None and new is not None:
            yield f"{where}: {old.differences(new)}"
        elif before["files"] != now["files"]:
            yield f"{where} changed"
        else:
            yield f"{where}: listed differently"

    def _weights_file(self, name: str) -> str:
        network = self._graph.spec.networks.get(name)
        if network is None or not isinstance(network.weights, WeightsFile):
            return ""
        return f"`{network.weights.file.name}`"


def _edges(old: Sequence[Inputs], new: Sequence[Inputs]) -> Iterator[str]:
    """Say what became of the edges that a joint path joins."""
    if len(old) != len(new):
        yield f"it joins {len(new)} categories instead of {len(old)}"
    elif (changed := sum(was != now for was, now in zip(old, new, strict=True))) > 0:
        yield f"{changed} of its {len(new)} edges changed"


def _without_digests(inputs: Inputs) -> Inputs:
    digests = ("pictures", "files", "turned")
    return {name: value for name, value in inputs.items() if name not in digests}


def _alike(old: Any, new: Any) -> bool:
    """Whether two values have the same form, so that their fields can be compared."""
    both = isinstance(old, Mapping) and isinstance(new, Mapping)
    return both and old.get("call") == new.get("call") and ("file" in old) == ("file" in new)


def _last(once: Mapping[str, Inputs]) -> str:
    return list(once)[-1] if once else "another network"


def _told(old: object, new: object) -> str:
    """Say what became of a file of a model's code."""
    return "new file" if old is None else "no more" if new is None else "other contents of"


def _shown(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case {"call": str(call)}:
            return call
        case {"tensors": _} | {"file": _}:
            return "a file"
        case {}:
            return "given"
    return str(value)
