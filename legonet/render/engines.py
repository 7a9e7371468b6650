"""The two ways to Graphviz: its program `dot`, and the library that pygraphviz carries.

Both run in a process of their own. Graphviz writes its warnings, such as about fonts, straight to
the standard error of the process that it runs in; so they end here.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

_BUNDLED = Path(__file__).with_name("bundled_graphviz.py")


class EngineError(Exception):
    """An engine is there and failed."""


def program(dot: str, picture_format: str) -> bytes | None:
    """Return a picture by the program ``dot``, or None where there is none on the path.

    Args:
        dot: The picture in the DOT language.
        picture_format: Graphviz's name of a format, such as ``svg``.

    Raises:
        EngineError: The program failed.
    """
    import graphviz

    try:
        picture = graphviz.Source(dot).pipe(format=picture_format, quiet=True)
    except graphviz.ExecutableNotFound:
        return None
    except graphviz.CalledProcessError as error:
        raise EngineError(_last_line(error.stderr)) from error
    except OSError as error:
        raise EngineError(f"cannot run `dot`: {error}") from error
    return bytes(picture)


def bundled(dot: str, picture_format: str) -> bytes | None:
    """Return a picture by pygraphviz, or None where it is not installed.

    Args:
        dot: The picture in the DOT language.
        picture_format: Graphviz's name of a format, such as ``svg``.

    Raises:
        EngineError: The library failed.
    """
    if find_spec("pygraphviz") is None:
        return None
    # -P: the script's folder is no place to import from.
    command = [sys.executable, "-P", str(_BUNDLED), picture_format]
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True, check=True)
    except subprocess.CalledProcessError as error:
        raise EngineError(_last_line(error.stderr)) from error
    except OSError as error:
        raise EngineError(f"cannot run Python: {error}") from error
    return done.stdout


ENGINES = (program, bundled)


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it gave no reason")
