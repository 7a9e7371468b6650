"""Loading tensors into networks."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], *, assign: bool = False) -> None:
    """Load tensors into a module, by the names that it has for them today.

    torch keeps the version of each layer beside the tensors of a state dict. A file has none, and
    without one some networks take the tensors for those of an early version, or refuse them, as
    torchvision's MNASNet does.

    Args:
        module: The module, changed in place.
        tensors: All of its parameters and buffers that a state dict holds.
        assign: Whether the module takes the tensors themselves, and no copies.

    Raises:
        RuntimeError: Names or shapes differ.
    """
    state: Any = OrderedDict(tensors)
    own: Any = module.state_dict()
    state._metadata = own._metadata  # noqa: SLF001 - torch looks for it there
    module.load_state_dict(state, assign=assign)
