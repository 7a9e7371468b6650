"""From MATLAB files to arrays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from legonet.diagnostics import DiagnosticError

Found = TypeVar("Found")


def read_matlab(file: Path, variable: str, what: str, find: Callable[[Any], Found]) -> Found:
    """Read something from a variable.

    Args:
        file: The ``.mat`` file.
        variable: Its name.
        what: What to read, for an error message.
        find: Finds it in the variable as SciPy returns it; whatever it raises means that it is not
            there.

    Raises:
        DiagnosticError: The file is missing or contains something else.
    """
    from scipy.io import loadmat

    try:
        with file.open("rb") as stream:
            return find(loadmat(stream, variable_names=[variable])[variable])
    except FileNotFoundError as error:
        raise DiagnosticError.of(
            "LEGO403", f"the file `{file}` is missing", help=["restore the file"]
        ) from error
    # What SciPy raises for damaged files depends on where the damage is.
    except Exception as error:
        raise DiagnosticError.of(
            "LEGO404",
            f"expected {what} in `{file}`, found something else",
            help=[f"the reason is: {error}", "unpack the data set again"],
        ) from error
