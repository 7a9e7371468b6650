"""The methods after ``method:`` in an adapter: how the edge is learned.

Each is one class in one file, which owns its arguments, their documentation, what it requires of an
edge, and what it does; legonet's own are in ``legonet.distill.methods``.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal

from legonet.language.base import Form
from legonet.registry import Registry

NeededPictures = Literal["labels", "pictures"] | None
"""Pictures that something cannot do without: with labels, or with labels or without."""


class MethodForm(Form):
    """A training method: its arguments in a spec, what it requires, and how it begins and trains.

    Another package registers a subclass at the entry point ``legonet.methods``, by its ``call``.
    A spec is read without torch, so what needs torch is imported in `prepare`. An argument
    ``reordered: bool = False`` shuffles the channels while the adapter is learned.

    Attributes:
        needs: The pictures that it cannot do without.
        version: Raised with every change of code that gives its adapters other weights.
    """

    needs: ClassVar[NeededPictures] = None
    version: ClassVar[int | None] = None

    @property
    def versions(self) -> dict[str, int]:
        """The versions of its code that are part of the content keys of its adapters."""
        return {} if self.version is None else {"version": self.version}

    @property
    def needed_pictures(self) -> NeededPictures:
        """The pictures that it cannot do without, with the arguments that it was given."""
        return self.needs

    @property
    def needs_pseudo_gradients(self) -> bool:
        """Whether it cannot do without pseudo-gradients, which not every module passes."""
        return False

    def check_surrogates(self, student: Any, teacher: Any) -> None:
        """Raise an error where two task modules, which pseudo-gradients pass, do not fit it.

        Args:
            student: The `legonet.distill.pseudo_gradients.surrogate.Surrogate` of g_S.
            teacher: That of the teacher.

        Raises:
            DiagnosticError: They do not fit.
        """

    @abstractmethod
    def prepare(self, context: Any, learning: Any) -> Any:
        """Return what an edge's adapter begins as and is trained on.

        Args:
            context: The edge, a `legonet.distill.edges.edge_context.EdgeContext`.
            learning: The `legonet.language.declarations.Learning` of the edge.

        Returns:
            A `legonet.distill.starts.InitialAdapter`; the
            `legonet.distill.methods.trained.TrainingSetup` that it is trained by, or None; and
            notes for the certificate, JSON values by name.

        Raises:
            DiagnosticError: It cannot work on this edge.
        """


METHODS: Registry[MethodForm] = Registry(
    MethodForm,
    "legonet.methods",
    {
        "transplant": "legonet.distill.methods.transplant:Transplant",
        "back_distillation": "legonet.distill.methods.back_distillation:BackDistillation",
        "ordinary_learning": "legonet.distill.methods.ordinary_learning:OrdinaryLearning",
        "output_distillation": "legonet.distill.methods.output_distillation:OutputDistillation",
        "stitching": "legonet.distill.methods.stitching:Stitching",
    },
)
"""The methods by their calls; other packages add theirs at the entry point ``legonet.methods``."""
