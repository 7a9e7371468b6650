"""The proof that a build changed nothing built before: same bits in all modules, same answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from legonet.building.execution.routes import Route, routes_of
from legonet.building.storage.answer_log import AnswerLog, Kind, Record, Seen, Status
from legonet.building.storage.store import Artifact, DamagedError, Store
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, in_order
from legonet.diagnostics.json import to_json
from legonet.graph import ModuleGraph
from legonet.language import Key

if TYPE_CHECKING:
    from legonet.building.execution.answers import Answers

Found = TypeVar("Found")

SHOWN = 12
"""Digits of a digest that are shown to people."""


@dataclass(frozen=True)
class Proved:
    """What became of a network, an adapter or a route.

    Args:
        name: Its name.
        status: ``unchanged``; ``first``: recorded just now; ``rebuilt``: recorded just now, with
            other bits because something was built again under the same key; ``changed``.
        sha256: The digest of its bits, or of its answer.
        since: When it was recorded, as an ISO date and time; None for just now.
    """

    name: str
    status: Status
    sha256: str
    since: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Proof:
    """Whether everything built before still answers as it did.

    Args:
        networks: Each frozen network, by name.
        adapters: Each adapter, by the name of its edge.
        routes: The route through each edge, by the name of the edge.
        environment: What computed the answers; answers from different environments are not
            compared.
        violations: What changed, and what gave no answer.
        damaged: What is damaged in the store or missing from it. The proof says nothing about the
            routes through it: build it again, and prove again.
        warnings: Why nothing could be compared, or recorded.
    """

    networks: tuple[Proved, ...]
    adapters: tuple[Proved, ...]
    routes: tuple[Proved, ...]
    environment: Mapping[str, str | int]
    violations: tuple[Diagnostic, ...] = ()
    damaged: tuple[DamagedError, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def failures(self) -> tuple[Diagnostic, ...]:
        """Why the proof does not hold: violations and remaining damage; empty where it holds."""
        return (*self.violations, *(item for error in self.damaged for item in error.diagnostics))

    @property
    def counts(self) -> dict[str, int]:
        """How many networks and paths there are, and how many paths of each status."""
        statuses: Counter[str] = Counter(item.status for item in self.routes)
        totals = {"networks": len(self.networks), "paths": len(self.routes)}
        return {**totals, **statuses, "violations": len(self.failures)}

    def to_json(self) -> dict[str, Any]:
        """Return the value of ``proof`` in the document of ``legonet build --json``."""
        return {
            "networks": [item.to_json() for item in self.networks],
            "adapters": [item.to_json() for item in self.adapters],
            "paths": [item.to_json() for item in self.routes],
            "environment": dict(self.environment),
            "violations": [to_json(item) for item in self.failures],
            "warnings": [to_json(item) for item in self.warnings],
        }


def prove(
    graph: ModuleGraph,
    networks: Mapping[str, Artifact],
    adapters: Mapping[tuple[str, str], Artifact | None],
    store: Store,
    answer_log: AnswerLog,
    *,
    device: str = "cpu",
    memory: int | None = None,
) -> Proof:
    """Run every built path, and compare its answer with the recorded one.

    Answers that are not on record yet are recorded now. Answers are compared within one
    environment only, so torch has to use as many threads as before.

    Args:
        graph: The graph.
        networks: The built networks, by name.
        adapters: The built adapters, by category and task; None for a direct edge.
        store: Where they are.
        answer_log: The recorded answers.
        device: Where to compute.
        memory: Bytes to use for features of the pictures; default: 1 GiB.

    Raises:
        DiagnosticError: The pictures of an edge cannot be found, so that their size is unknown.
    """
    # Torch is imported only where something is to be proved.
    from legonet.building.execution.answers import ask
    from legonet.building.execution.resources import environment

    routes = routes_of(graph, networks, adapters)
    answers = ask(routes, networks.values(), store, device=device, memory=memory)
    here = environment(device)
    warnings: list[Diagnostic] = []
    # Read after the artifacts: a build that replaces one notes that before it replaces the file.
    nothing: dict[tuple[str, str], Record] = {}
    records = _unless_refused(answer_log.read, nothing, warnings)
    judged = [
        _Judged(place, seen, records.get(seen.identity))
        for place, seen in _all_seen(networks, routes, answers, here)
    ]
    new = {item.seen.identity: item.seen for item in judged if item.is_new}
    _unless_refused(lambda: answer_log.add(new.values()), None, warnings)
    changed = [item for item in judged if item.status == "changed"]
    violations = [
        *((item.place, _violation(item, changed, store, answer_log.file)) for item in changed),
        *((_place(route), why) for route, why in answers.failed.items()),
        *(((), why) for why in answers.errors),
    ]

    def of(kind: Kind) -> tuple[Proved, ...]:
        return tuple(item.proved for item in judged if item.seen.kind == kind)

    return Proof(
        of("network"),
        of("adapter"),
        of("route"),
        here,
        tuple(in_order(graph.spec.locate(item, place) for place, item in violations)),
        tuple(answers.damaged.values()),
        tuple(warnings),
    )


@dataclass(frozen=True)
class _Judged:
    """What was seen, together with its record."""

    place: Key
    seen: Seen
    record: Record | None

    @property
    def status(self) -> Status:
        return "first" if self.record is None else self.record.status(self.seen.sha256)

    @property
    def is_new(self) -> bool:
        """Whether it has to be recorded."""
        return self.record is None or not self.record.settled

    @property
    def proved(self) -> Proved:
        compared = self.record if self.status in ("unchanged", "changed") else None
        since = None if compared is None else compared.since
        return Proved(self.seen.name, self.status, self.seen.sha256, since)


def _all_seen(
    networks: Mapping[str, Artifact],
    routes: Iterable[Route],
    answers: Answers,
    environment: Mapping[str, str | int],
) -> Iterator[tuple[Key, Seen]]:
    """Yield every digest that was found, with the statement that it belongs to."""
    digests = answers.modules
    for name, artifact in networks.items():
        key = artifact.key
        if key in digests:
            yield ("network", name), Seen("network", key, name, digests[key], (key,))
    for route in routes:
        key = "" if route.adapter is None else route.adapter.key
        if key in digests:
            yield _place(route), Seen("adapter", key, route.name, digests[key], (key,))
        if route in answers.routes:
            sha256 = answers.routes[route]
            seen = Seen("route", route.key, route.name, sha256, route.modules, environment)
            yield _place(route), seen


def _place(route: Route) -> Key:
    return ("adapter", route.category, route.task)


def _violation(
    item: _Judged, changed: Iterable[_Judged], store: Store, records: Path
) -> Diagnostic:
    """Return a diagnostic for something that changed: what it was, why, and what to do."""
    seen, record = item.seen, item.record
    expected = "" if record is None else f"{record.sha256[:SHOWN]} of {record.since[:10]}"
    found = f"expected {expected}, found {seen.sha256[:SHOWN]}"
    on_purpose = f"if this was intended, remove `{records}`: what is built is then recorded again"
    if seen.kind != "route":
        what = f"network `{seen.name}`" if seen.kind == "network" else f"adapter of `{seen.name}`"
        file = store.file("network" if seen.kind == "network" else "adapter", seen.key)
        return Diagnostic(
            "LEGO731",
            f"the frozen {what} is not what it was: {found}",
            label="other weights than were recorded",
            help=(f"remove `{file}` and run `legonet build`: it is built again", on_purpose),
        )
    causes = [other for other in changed if other.seen.key in seen.modules]
    return Diagnostic(
        "LEGO730",
        f"the path `{seen.name}` no longer gives the same answers: {found}",
        label="other answers than were recorded",
        help=(
            *(f"{_called(cause)} is not what it was" for cause in causes),
            *(() if causes else (_SAME_MODULES,)),
            on_purpose,
        ),
    )


_SAME_MODULES = (
    "all modules in it are unchanged, so the cause is what computes them: a library or a driver "
    "beneath torch, or the computer's memory"
)


def _called(item: _Judged) -> str:
    return f"the network `{item.seen.name}`" if item.seen.kind == "network" else "its adapter"


def _unless_refused(
    work: Callable[[], Found], otherwise: Found, warnings: list[Diagnostic]
) -> Found:
    """Return the result of some work on the records; add a warning if they are out of reach."""
    try:
        return work()
    except DiagnosticError as error:
        warnings += (
            Diagnostic(
                "LEGO732",
                f"what this build proves is not on record: {item.message}",
                help=item.help,
                severity=Severity.WARNING,
            )
            for item in error.diagnostics
        )
        return otherwise
