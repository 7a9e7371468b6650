"""What all starts have in common, and the table of them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from legonet.language.base import Frozen
from legonet.language.markers import Choice
from legonet.language.methods import NeededPictures
from legonet.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.distill.edges.gradients import Gradients
    from legonet.modules.adapter import Adapter


@dataclass(frozen=True)
class InitialAdapter:
    """An adapter before training, and what is known about it.

    Args:
        adapter: The adapter, including the re-scaling factor beta.
        notes: For the certificate, JSON values by name; ``start`` is the name of the start.
        solved: Whether it knows something of the edge, so that it needs less training.
    """

    adapter: Adapter
    notes: dict[str, Any] = field(default_factory=dict)
    solved: bool = True


class Start(Frozen):
    """How an adapter begins; the first sentence of its docstring is what the reference says of it.

    Another package registers a subclass at the entry point ``legonet.starts``, by its name. A spec
    is read without torch, so what needs torch is imported in `begin`.

    Attributes:
        needs: The pictures that it cannot do without.
        needs_pseudo_gradients: Whether it is solved from them; not every module passes them.
        version: Raised with every change of code that gives other weights; so is the version of a
            method that always makes this start.
    """

    needs: ClassVar[NeededPictures] = None
    needs_pseudo_gradients: ClassVar[bool] = False
    version: ClassVar[int | None] = None

    @abstractmethod
    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return an adapter with this start.

        Args:
            context: The edge.
            kernels: Kernel sizes of its convs, bottom first.

        Raises:
            DiagnosticError: There is no such start for this edge.
        """

    def begin_from(
        self,
        gradients: tuple[Gradients, Gradients],  # noqa: ARG002 - most starts need none
        context: EdgeContext,
        kernels: Sequence[int],
    ) -> InitialAdapter:
        """Return the same for a method that has drawn pseudo-gradients, and held-out ones."""
        return self.begin(context, kernels)


STARTS: Registry[Start] = Registry(
    Start,
    "legonet.starts",
    {
        "default": "legonet.distill.starts.plain:DefaultStart",
        "identity": "legonet.distill.starts.plain:IdentityStart",
        "solve": "legonet.distill.starts.solved:SolveStart",
        "least_squares": "legonet.distill.starts.solved:LeastSquaresStart",
        "assignment": "legonet.distill.starts.solved:AssignmentStart",
        "stitching": "legonet.distill.starts.stitching:StitchingStart",
        "feature_matching": "legonet.distill.starts.feature_matching:FeatureMatchingStart",
        "blend": "legonet.distill.starts.blend:BlendStart",
        "real_gradients": "legonet.distill.starts.real_gradients:RealGradientsStart",
        "iterated_assignment": "legonet.distill.starts.real_gradients:IteratedAssignmentStart",
    },
)
"""The starts by their names; other packages add theirs at the entry point ``legonet.starts``."""

StartName = Annotated[str, Choice("start", STARTS)]
"""The name of a start."""
