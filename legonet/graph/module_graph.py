"""The modules of a spec and the edges between them, for queries and edits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, did_you_mean, in_order
from legonet.graph import edits
from legonet.graph.document import Document
from legonet.graph.edits import Statements, Value, missing_name
from legonet.graph.relations import Relations
from legonet.graph.resolved import (
    ResolvedEdge,
    ResolvedJoint,
    ResolvedNetwork,
    compiled,
    networks_in_order,
)
from legonet.graph.rules import check_graph
from legonet.graph.trust import trusted_files
from legonet.language import Key, Origin, Spec, read_spec
from legonet.language.declarations import Kind, noun_of
from legonet.language.models import CodeModel, Model
from legonet.language.spec import PARTS, Declaration
from legonet.notebook import drawings

if TYPE_CHECKING:
    from typing import Self

    import networkx as nx

    from legonet.diagnostics import SourceText
    from legonet.graph.difference import GraphDifference

AnyKind = Kind | Literal["adapter"]
"""The kinds of statements."""


class ModuleGraph(Relations):
    """A spec as a graph, which can be edited and written back to its file.

    Its nodes are the keys of the spec's statements, such as ``("network", "dog_net")``. Its edges
    carry a ``role``:

    ========  =====================  ================================================
    role      from, to               meaning
    ========  =====================  ================================================
    init      network, network       the second starts from the first one's weights
    bottom    network, category      the category module is the network's bottom
    top       network, task          the task module is the network's top
    adapter   category, task         features of the category may flow into the task
    ========  =====================  ================================================

    An edit is checked like a statement in a file, and takes effect completely or not at all. Each
    edit returns the graph itself. Values are given as plain Python values; forms are given as in a
    file (``model="legonet.small_vgg(classes: 1)"``) or as objects of ``legonet.language``. The file
    changes only when the graph is saved.

    Two graphs are equal if they say the same, no matter where it is written.

    Example:
        >>> graph = ModuleGraph()
        >>> graph.add("data", "digits", source="digits()")
        <ModuleGraph, unsaved: 1 data block>
        >>> print(graph.text())
        data digits { source: digits() }

    Args:
        spec: What it says. Default: an empty spec.
    """

    def __init__(self, spec: Spec | None = None) -> None:
        super().__init__(Spec() if spec is None else spec)
        self._read_from: Document | None = None
        self._compiled: tuple[Spec, nx.DiGraph[Key]] | None = None

    @classmethod
    def of(cls, document: Document) -> ModuleGraph:
        """Return the graph of texts that were read."""
        graph = cls(document.spec)
        graph._read_from = document
        return graph

    @property
    def file(self) -> Path | None:
        """The file that it was loaded from or last saved to; None if there is none."""
        document = self._read_from
        return document.path if document is not None and document.on_disk else None

    @property
    def compiled(self) -> nx.DiGraph[Key]:
        """The graph that everything except reading and checking works on; it cannot be changed.

        Its nodes and edges are those of `to_networkx`, with what their names refer to: a network's
        node has a ``network``, an adapter's edge an ``edge``. The graph must have no errors.
        """
        # `legonet check` and `fmt` do not need this graph, and the import takes a while.
        import networkx as nx

        if self._compiled is None or self._compiled[0] is not self.spec:
            self._compiled = (self.spec, nx.freeze(compiled(self, self.model)))
        return self._compiled[1]

    def model(self, name: str) -> Model:
        """Return the model of a network, with its output and its code as far as it is trusted.

        Raises:
            DiagnosticError: Its code cannot be read, or what is trusted cannot be looked up.
        """
        network = self.spec.networks[name]
        model = network.model
        if network.output is not None:
            model = model.answering(network.output)
        if not isinstance(model, CodeModel):
            return model
        try:
            document = self._document
            return model.trusting(trusted_files(document.path, document.trust))
        except DiagnosticError as error:
            key = ("network", name)
            located = (self.spec.locate(item, key, "model") for item in error.diagnostics)
            raise DiagnosticError(*located) from None

    def network(self, name: str) -> ResolvedNetwork:
        """Return a network with what its statement refers to; the graph must have no errors."""
        found: ResolvedNetwork = self.compiled.nodes["network", name]["network"]
        return found

    def networks(self) -> list[ResolvedNetwork]:
        """Return all networks in the order of the spec, except that ancestors come first."""
        return networks_in_order(self.compiled)

    def edge(self, category: str, task: str) -> ResolvedEdge:
        """Return an edge with what its statement refers to; the graph must have no errors."""
        found: ResolvedEdge = self.compiled.edges[("category", category), ("task", task)]["edge"]
        return found

    def edges(self) -> list[ResolvedEdge]:
        """Return all edges in the order of the spec."""
        return [self.edge(*ends) for ends in self.spec.adapters]

    def joints(self, path: str | None = None) -> list[ResolvedJoint]:
        """Return what joint paths answer, task by task; the graph must have no errors.

        Args:
            path: The name of a path; default: all paths.
        """
        return [
            ResolvedJoint(
                name,
                tuple(self.edge(category, task) for category in item.categories),
                tuple(
                    self.answered_labels(self.spec.adapters[category, task])
                    for category in item.categories
                ),
                alone=len(item.tasks) == 1,
            )
            for name, item in self.spec.paths.items()
            if item.is_joint and path in (None, name)
            for task in item.tasks
        ]

    def to_networkx(self) -> nx.DiGraph[Key]:
        """Return the plain graph, with a ``kind`` on each node and a ``role`` on each edge.

        The caller owns it: changing it affects nothing else.
        """
        import networkx as nx

        graph: nx.DiGraph[Key] = nx.DiGraph()
        for kind in ("network", "category", "task"):
            graph.add_nodes_from(((kind, name) for name in self.spec.of_kind(kind)), kind=kind)
        for source, target, role in self.links():
            if source in graph and target in graph:
                graph.add_edge(source, target, role=role)
        return graph

    def copy(self) -> ModuleGraph:
        """Return a graph that says the same, and that later edits of this one do not affect."""
        graph = ModuleGraph(self.spec)
        graph._read_from, graph._compiled = self._read_from, self._compiled
        return graph

    def check(self) -> list[Diagnostic]:
        """Return what ``legonet check`` would report for the saved file, in order of place."""
        try:
            read = read_spec(self._document.path, self._texts(), self._document.overrides)
        except DiagnosticError as error:
            return in_order([*error.diagnostics, *check_graph(self)])
        return in_order([*read.diagnostics, *check_graph(Relations(read.spec))])

    def sound(self) -> ModuleGraph:
        """Return a copy of the graph if its edits have left no errors.

        Raises:
            DiagnosticError: All errors in how its modules are joined.
        """
        if self._read_from is not None and self.spec is self._read_from.spec:
            return self.copy()  # it was checked when it was loaded
        errors = [item for item in check_graph(self) if item.severity is Severity.ERROR]
        if errors:
            raise DiagnosticError(*errors)
        return self.copy()

    # Edits.

    @overload
    def add(
        self, kind: Literal["adapter"], category: str, task: str, /, **fields: Value
    ) -> Self: ...
    @overload
    def add(self, kind: Kind, name: str, /, **fields: Value) -> Self: ...
    def add(self, kind: AnyKind, /, *names: str, **fields: Value) -> Self:
        """Add a statement, such as ``graph.add("network", "cat_net", model=.., weights=..)``.

        Args:
            kind: ``data``, ``network``, ``category``, ``task``, ``adapter`` or ``path``.
            names: Its name; an adapter has two, its category's and its task's.
            fields: The fields between its braces. The network of a category or task, ``from`` in a
                file, is called ``network``; a path takes ``category`` and ``task``, each a name or
                several.

        Raises:
            DiagnosticError: There is already one with this name, or the statement has a mistake.
        """
        key = self._key(kind, names)
        if self.spec.get(key) is not None:
            shown = " -> ".join(names)
            raise DiagnosticError.of(
                "LEGO204",
                f"there is a {noun_of(kind)} `{shown}` already",
                help=["`change` changes its fields, and `remove` takes it out"],
            )
        self._put(key, *self._statements().new(key, fields))
        return self

    @overload
    def change(
        self, kind: Literal["adapter"], category: str, task: str, /, **fields: Value
    ) -> Self: ...
    @overload
    def change(self, kind: Kind, name: str, /, **fields: Value) -> Self: ...
    def change(self, kind: AnyKind, /, *names: str, **fields: Value) -> Self:
        """Change fields of a statement and leave the others as they are.

        Args:
            kind: As for `add`.
            names: As for `add`.
            fields: The new values; None resets a field to its default. A mapping for a block, such
                as ``train={"epochs": 9}``, changes only the fields that it names.

        Raises:
            DiagnosticError: There is no such statement, or it would have a mistake.
        """
        key = self._existing(kind, names)
        self._put(key, *self._statements().changed(key, fields))
        return self

    def rename(self, kind: Kind, old: str, new: str) -> Self:
        """Rename a statement and update all references to it.

        Args:
            kind: As for `add`, except ``adapter``, which has no name of its own.
            old: Its current name.
            new: Its new name.

        Raises:
            DiagnosticError: There is no such statement, or the new name is taken or not a valid
                name.
        """
        self._existing(kind, (old,))
        if new == old:
            return self
        self._statements().check_name((kind, old), new)
        self.spec = edits.renamed(self.spec, kind, old, new)
        return self

    @overload
    def remove(
        self, kind: Literal["adapter"], category: str, task: str, /, *, cascade: bool = False
    ) -> Self: ...
    @overload
    def remove(self, kind: Kind, name: str, /, *, cascade: bool = False) -> Self: ...
    def remove(self, kind: AnyKind, /, *names: str, cascade: bool = False) -> Self:
        """Remove a statement.

        Args:
            kind: As for `add`.
            names: As for `add`.
            cascade: Whether to also remove everything that needs it.

        Raises:
            DiagnosticError: There is no such statement, or others need it (``LEGO720``).
        """
        key = self._existing(kind, names)
        others = edits.dependents(self.spec, [key])
        if others and not cascade:
            shown = ", ".join(f"{noun_of(item[0])} `{' -> '.join(item[1:])}`" for item in others)
            raise DiagnosticError.of(
                "LEGO720",
                f"{noun_of(kind)} `{' -> '.join(names)}` is needed by {shown}",
                help=["change these first, or remove them with it: `cascade=True`"],
            )
        self.spec = edits.without(self.spec, [key, *others])
        return self

    def connect(self, category: str, task: str, **fields: Value) -> Self:
        """Join a category to a task by an adapter, replacing an existing one.

        Args:
            category: The category's name.
            task: The task's name.
            fields: Fields of the adapter, such as ``samples=20`` and ``layers=[1, 1]``. Without
                any, two halves of one network are joined directly, and all others with the default
                settings.

        Raises:
            DiagnosticError: There is no such category or task, or a field has a mistake.
        """
        key = ("adapter", category, task)
        self._put(key, *self._statements().new(key, fields))
        return self

    def disconnect(self, category: str, task: str, *, cascade: bool = False) -> Self:
        """Remove the adapter between a category and a task; see `remove`."""
        return self.remove("adapter", category, task, cascade=cascade)

    # The result of the edits.

    def diff(self, other: ModuleGraph) -> GraphDifference:
        """Return the changes that turn this graph into another one.

        Args:
            other: The other graph.
        """
        from legonet.graph.difference import GraphDifference

        return GraphDifference.between(self.spec, other.spec)

    def text(self) -> str:
        """Return what `save` would write into the spec's own file.

        Raises:
            DiagnosticError: No change of the text can express the graph (``LEGO721``).
        """
        return self._texts()[self._document.path].text

    def save(
        self, path: Path | str | None = None, *, imports: bool = False, overwrite: bool = False
    ) -> tuple[Path, ...]:
        """Write the graph to its file, changing the text as little as possible.

        Comments and layout stay as they are. A graph without a file is written in canonical
        layout. Files that have not changed are not written.

        Args:
            path: Another file to write to. Default: the file that the graph was loaded from.
            imports: Whether files that the spec imports may be changed too.
            overwrite: Whether to overwrite a file that something else has changed in the meantime,
                or one that the graph did not come from.

        Returns:
            The files that were written.

        Raises:
            DiagnosticError: The graph has no file (``LEGO724``), the file has changed since it was
                read (``LEGO723``), an imported file would change (``LEGO722``), no change of the
                texts can express the graph (``LEGO721``), or a file cannot be written
                (``LEGO701``).
        """
        from legonet.graph.rewriting.rewrite import save

        self._read_from, written = save(
            self._document, self.spec, path, imports=imports, overwrite=overwrite
        )
        return written

    @property
    def _document(self) -> Document:
        if self._read_from is None:
            self._read_from = Document.empty()
        return self._read_from

    def _texts(self) -> dict[Path, SourceText]:
        from legonet.graph.rewriting.rewrite import rewritten

        return rewritten(self._document, self.spec)

    def _statements(self) -> Statements:
        return Statements(self.spec, self._document.path.parent)

    def _put(self, key: Key, value: Declaration, origin: Origin) -> None:
        self.spec = edits.put(self.spec, key, value, origin)

    def _key(self, kind: AnyKind, names: tuple[str, ...]) -> Key:
        if kind not in PARTS:
            raise DiagnosticError.of(
                "LEGO201",
                f"expected a kind of statement, found `{kind}`",
                help=did_you_mean(str(kind), PARTS, "kind") or (f"kinds: {', '.join(PARTS)}",),
            )
        expected = 2 if kind == "adapter" else 1
        if len(names) != expected:
            what = "the names of a category and a task" if expected == 2 else "one name"
            raise TypeError(f"{noun_of(kind)}: expected {what}, found {len(names)}")
        return (kind, *names)

    def _existing(self, kind: AnyKind, names: tuple[str, ...]) -> Key:
        """Return the key of an existing statement."""
        key = self._key(kind, names)
        if self.spec.get(key) is not None:
            return key
        if kind != "adapter":
            raise DiagnosticError(missing_name(self.spec, kind, names[0]))
        known = [" -> ".join(ends) for ends in self.spec.adapters]
        edge = " -> ".join(names)
        raise DiagnosticError.of(
            "LEGO202",
            f"no adapter `{edge}`",
            help=did_you_mean(edge, known, "adapter") or ("`connect` adds one",),
        )

    def __eq__(self, other: object) -> bool:
        return self.spec == other.spec if isinstance(other, ModuleGraph) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        counts = []
        for kind in PARTS:
            count, noun = len(self.spec.of_kind(kind)), noun_of(kind)
            plural = "categories" if kind == "category" else f"{noun}s"
            counts += [f"{count} {noun if count == 1 else plural}"] if count else []
        name = "unsaved" if self.file is None else self.file.name
        return f"<ModuleGraph, {name}: {', '.join(counts) or 'empty'}>"

    def _repr_svg_(self) -> str | None:
        """Show the graph as a picture in a notebook, or as text if it has mistakes."""
        if any(item.severity is Severity.ERROR for item in check_graph(self)):
            return None
        return drawings["graph"](self)
