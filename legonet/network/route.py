"""The way from pictures to answers through one edge, as a module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import chain
from typing import Any

import torch
from torch import Tensor, fx, nn

from legonet.network.given import check_pictures


class Route(nn.Sequential):
    """A category module, an adapter where one was learned, and a task module; frozen for good.

    It stays in evaluation mode, also inside of a network that is trained. Its modules are those of
    all other routes through them: nothing is loaded twice. What would change them (``to``,
    ``load_state_dict``, ``requires_grad_``) first gives this route modules of its own. Copies and
    pickles have modules of their own, too.

    Args:
        name: What it is called.
        modules: In the order in which pictures go through them.
    """

    def __init__(self, name: str, *modules: nn.Module) -> None:
        super().__init__(*modules)
        self.name = name
        super().train(False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits.

        Args:
            pictures: ``(N, 3, H, W)``, as `legonet.data.to_tensor` makes them; float32 unless the
                route was converted.

        Returns:
            ``(N, K)`` for classification and ``(N, K, H, W)`` for segmentation.

        Raises:
            DiagnosticError: They are no such pictures (``LEGO746``).
        """
        if not _is_recorded(pictures):
            check_pictures(pictures, self._dtype)
        for module in self:
            pictures = module(pictures)
        return pictures

    def train(self, mode: bool = True) -> Route:  # noqa: ARG002 - train's signature
        """Stay in evaluation mode."""
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Route:
        """Change the parameters of this route alone."""
        self._separate()
        super().requires_grad_(requires_grad)
        return self

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Load tensors into this route alone."""
        self._separate(clone=True)
        return super().load_state_dict(state_dict, *args, **kwargs)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Route:
        self._separate()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    @property
    def _dtype(self) -> torch.dtype:
        floats = (item.dtype for item in self.parameters() if item.is_floating_point())
        return next(floats, torch.float32)

    def _separate(self, *, clone: bool = False) -> None:
        """Give this route modules of its own, over the same numbers unless they are cloned."""
        for place, module in list(self.named_children()):
            # What stands in the memo counts as copied already.
            memo: dict[int, Any] = {}
            for tensor in () if clone else chain(module.parameters(), module.buffers()):
                alike = tensor.detach()
                if isinstance(tensor, nn.Parameter):
                    alike = nn.Parameter(alike, requires_grad=tensor.requires_grad)
                memo[id(tensor)] = alike
            setattr(self, place, deepcopy(module, memo))


def _is_recorded(pictures: object) -> bool:
    """Whether the computation is written down, as by torch.compile, so that checks are no use."""
    if torch.compiler.is_compiling() or isinstance(pictures, fx.Proxy):
        return True
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]
