"""A training method and a start of another package: an identity with a gain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from legonet.distill.starts import STARTS, InitialAdapter, Start
from legonet.language.methods import MethodForm, NeededPictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext
    from legonet.language.declarations import Learning


class HalvedIdentity(Start):
    """A Dirac kernel, halved."""

    version: ClassVar[int | None] = 5

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return half of an identity."""
        adapter = STARTS.get("identity")().begin(context, kernels).adapter
        for conv in adapter.convolutions:
            conv.weight.data.mul_(0.5)
        return InitialAdapter(adapter, {"start": "halved"})


class FromLabels(HalvedIdentity):
    """The same, but it asks for labels."""

    needs: ClassVar[NeededPictures] = "labels"


class ScaledIdentity(MethodForm):
    """Pass features on, times a gain.

    Args:
        gain: The factor.
    """

    call: ClassVar[str] = "scaled_identity"
    version: ClassVar[int | None] = 3
    gain: float = Field(default=1.0, gt=0)

    def prepare(
        self, context: EdgeContext, learning: Learning
    ) -> tuple[InitialAdapter, None, dict[str, Any]]:
        """Return an identity times the gain."""
        adapter = STARTS.get("identity")().begin(context, learning.layers).adapter
        for conv in adapter.convolutions:
            conv.weight.data.mul_(self.gain)
        notes = {"trained_by": None, "trained_because": "the gain is given"}
        return InitialAdapter(adapter, {"start": "identity"}), None, notes


class NeedsLabels(ScaledIdentity):
    """The same, but it asks for labels."""

    call: ClassVar[str] = "needs_labels"
    needs: ClassVar[NeededPictures] = "labels"


class WithoutPreparation(MethodForm):
    """A method that says nothing of what it does."""

    call: ClassVar[str] = "idle"


def no_method() -> None:
    """Give nothing that could be used."""
