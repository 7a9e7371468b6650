"""A model class in a plain file of Python."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import PrivateAttr

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.language.base import Call
from legonet.language.markers import AnyCall
from legonet.language.models import CodeModel
from legonet.modules.python_code import PythonCode

if TYPE_CHECKING:
    from torch import nn


class PythonModel(CodeModel):
    """A class, or a function that returns a network, in a file of Python that you trust.

    The file may import others of its folder, which then run and count too.

    Args:
        file: The file, such as ``net.py``.
        network: What to call in it, with named arguments, such as ``Net(classes: 3)``.
    """

    call = "python.model"
    network: Annotated[Call, AnyCall()]
    _code: PythonCode | None = PrivateAttr(default=None)

    @property
    def code(self) -> PythonCode:
        """The code: as it was when it was trusted, or else as it is now.

        Raises:
            DiagnosticError: It cannot be read.
        """
        return self._code or PythonCode.read(self.file)

    @property
    def code_files(self) -> tuple[Path, ...]:
        """The file, and those of its folder that it imports."""
        return tuple(self.file.parent / name for name in self.code.texts)

    def trusting(self, files: Container[Path]) -> Self:
        """Return the model with the code that it may run."""
        model = super().trusting(files)
        if model._trusted:  # noqa: SLF001 - of its own copy
            model._code = PythonCode.read(self.file)  # noqa: SLF001
        return model

    def build(self) -> nn.Module:
        """Return the network.

        Raises:
            DiagnosticError: The file is not trusted, or its code fails or has no such network.
        """
        from torch import nn

        self.check_trust()
        code, wanted = self.code, self.network
        constructor = self._constructor(code.module())
        try:
            inspect.signature(constructor).bind(**wanted.arguments)
        except (TypeError, ValueError) as error:
            raise self._misfit(constructor, error) from error
        try:
            network = constructor(**wanted.arguments)
        # It runs a user's code, which may raise anything at all.
        except Exception as error:
            raise code.refused(error, f"when `{wanted.name}` is called") from error
        if not isinstance(network, nn.Module):
            raise DiagnosticError.of(
                "LEGO501",
                f"expected `{wanted.name}` in `{self.file.name}` to give a torch module, found "
                f"{type(network).__name__}",
                label="not a network",
                help=["it must be a subclass of `nn.Module`, or a function that returns a network"],
            )
        return network

    def _constructor(self, module: ModuleType) -> Callable[..., Any]:
        found: Any = module
        for part in self.network.name.split("."):
            found = getattr(found, part, None)
        if callable(found):
            constructor: Callable[..., Any] = found
            return constructor
        known = list(_offered(module))
        raise DiagnosticError.of(
            "LEGO501",
            f"`{self.file.name}` has no `{self.network.name}` that can be called",
            label="no such network",
            help=did_you_mean(self.network.name, known, "network")
            or [f"it has {', '.join(f'`{name}`' for name in known) or 'no network'}"],
        )

    def _misfit(self, constructor: Callable[..., Any], error: Exception) -> DiagnosticError:
        known = list(inspect.signature(constructor).parameters)
        strange = [name for name in self.network.arguments if name not in known]
        return DiagnosticError.of(
            "LEGO501",
            f"`{self.network.name}` in `{self.file.name}` cannot be called like this: {error}",
            label="not accepted by the model",
            help=[
                *(line for name in strange for line in did_you_mean(name, known, "parameter")),
                f"its parameters are {', '.join(f'`{name}`' for name in known) or 'none'}",
            ],
        )


def _offered(module: ModuleType) -> Iterator[str]:
    """Yield the names of the classes of networks and the functions that a module defines."""
    from torch import nn

    for name, item in vars(module).items():
        own = getattr(item, "__module__", None) == module.__name__ and not name.startswith("_")
        network = isinstance(item, type) and issubclass(item, nn.Module)
        if own and (network or inspect.isfunction(item)):
            yield name
