"""Networks that return several named outputs, of which one is the answer."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from legonet.modules.outputs import chosen


class NamedOutput(nn.Module):
    """A network of transformers with one of its outputs.

    Args:
        model: The network; it takes ``pixel_values``.
        output: The name of the output, or its position.
    """

    def __init__(self, model: nn.Module, output: str | int) -> None:
        super().__init__()
        self.model = model
        self._output = output

    def forward(self, pictures: Tensor) -> Any:
        """Return the output for pictures, ``(N, 3, H, W)``."""
        return chosen(self.model(pixel_values=pictures, return_dict=True), self._output)
