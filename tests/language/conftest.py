"""A spec written into a folder of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from legonet.language import Loaded, Override, load_spec

Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write files, the first one being the spec, and load it; ``sets`` are its overrides."""
    monkeypatch.chdir(tmp_path)

    def load_files(spec: str, sets: Sequence[str] = (), **others: str) -> Loaded:
        for name, text in {"spec": spec, **others}.items():
            file = tmp_path / f"{name.replace('__', '/')}.lego"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return load_spec(Path("spec.lego"), [Override.parse(text) for text in sets])

    return load_files
