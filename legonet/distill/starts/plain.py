"""The starts that know nothing of the edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.distill.starts.start import InitialAdapter, Start

if TYPE_CHECKING:
    from collections.abc import Sequence

    from legonet.distill.edges.edge_context import EdgeContext


class DefaultStart(Start):
    """Torch's own random start."""

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return a random adapter, drawn from the edge's seed."""
        from legonet.distill.starts.adapters import empty_adapter

        return InitialAdapter(empty_adapter(context, kernels), {"start": "default"}, solved=False)


class IdentityStart(Start):
    """A Dirac kernel, which passes its input on."""

    def begin(self, context: EdgeContext, kernels: Sequence[int]) -> InitialAdapter:
        """Return an adapter that changes nothing."""
        from legonet.distill.starts.adapters import empty_adapter

        adapter = empty_adapter(context, kernels).dirac_()
        return InitialAdapter(adapter, {"start": "identity"}, solved=False)
