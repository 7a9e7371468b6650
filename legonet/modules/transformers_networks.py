"""Networks that return several named outputs, of which one is the answer."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class NamedOutput(nn.Module):
    """A network of transformers with one of its outputs.

    Args:
        model: The network; it takes ``pixel_values``.
        output: The name of the output.
    """

    def __init__(self, model: nn.Module, output: str) -> None:
        super().__init__()
        self.model = model
        self._output = output

    def forward(self, pictures: Tensor) -> Any:
        """Return the output for pictures, ``(N, 3, H, W)``."""
        found = self.model(pixel_values=pictures, return_dict=True)
        if self._output not in found:
            names = ", ".join(f"`{name}`" for name in found)
            raise KeyError(f"no output `{self._output}`, only {names}")
        return found[self._output]
