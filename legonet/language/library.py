"""Which models torchvision and timm offer, found without importing them."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_REGISTERED = re.compile(
    r"^@register_model(?:\((?:name=)?(?:[\"'](?P<name>[\w.]+)[\"'])?.*?\))?\n"
    r"(?:[^\n]*\n)*?def\s+(?P<function>\w+)",
    re.MULTILINE,
)


@cache
def library_models(library: str) -> frozenset[str]:
    """Return the names of a library's models, as its own ``list_models()`` lists them.

    The names are read from the decorators in the library's source files, since importing it
    would take seconds. The set is empty if the library is not installed.

    Args:
        library: ``torchvision`` or ``timm``.
    """
    spec = find_spec(library)
    if spec is None or spec.origin is None:
        return frozenset()
    folder = Path(spec.origin).parent / "models"
    return frozenset(
        match["name"] or match["function"]
        for file in sorted(folder.rglob("*.py"))
        for match in _REGISTERED.finditer(file.read_text(encoding="utf-8", errors="replace"))
    )
