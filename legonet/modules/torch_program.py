"""A program of `torch.export` as a model: a network without any code of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from legonet.language.models import CodeModel

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn


class TorchProgram(CodeModel):
    """A program that `torch.export.save` wrote, with its weights.

    Its modules have the names of the network that was exported. It has to be exported in
    evaluation, and for any number of pictures at once. torch opens it with `pickle`, which can run
    any code, so the file needs your trust.

    Args:
        file: The file, such as ``net.pt2``.
    """

    call = "torch.program"
    has_weights = True

    @property
    def files(self) -> tuple[Path, ...]:
        """The program itself."""
        return (self.file,)

    def build(self) -> nn.Module:
        """Return the network with the weights of the program.

        Raises:
            DiagnosticError: The file is not trusted, cannot be opened by this version of torch, or
                holds no network that takes any number of pictures.
        """
        from legonet.modules.programs import network_in

        self.check_trust()
        return network_in(self.file)
