"""Pictures in notebooks: layers that draw register here, so that what they draw need not know them.

`legonet` itself registers how graphs are drawn, whichever of its packages is imported first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

drawings: dict[str, Callable[[Any], str]] = {}
"""Functions that return a thing as SVG, by the kind of thing."""
