"""What works with the smallest of the models that ``tools/survey`` tries."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parent.parent / "tools" / "surveys"

NO_GRADIENTS = {"back-distillation": "LEGO601"}
"""Pseudo-gradients do not pass gates and attention."""

EXPECTED: dict[str, dict[str, str]] = {
    "torchvision.squeezenet1_1": {},
    "timm.test_resnet": {},
    "timm.test_convnext": {},
    "timm.test_byobnet": NO_GRADIENTS,
    "timm.test_efficientnet": NO_GRADIENTS,
    "timm.test_efficientnet_ln": NO_GRADIENTS,
    "timm.test_mambaout": NO_GRADIENTS,
    "timm.test_vit": NO_GRADIENTS,
    "transformers.resnet": {},
    "transformers.convnext": NO_GRADIENTS,
    "transformers.swin": {},
    "transformers.vit": NO_GRADIENTS,
}
"""For each model what does not work, by its column; whatever else is in the survey does."""


@pytest.fixture
def tool() -> Iterator[Any]:
    sys.path.insert(0, str(TOOL))
    try:
        import survey

        yield survey
    finally:
        sys.path.remove(str(TOOL))
        for name in ("survey", "models"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("name", EXPECTED)
def test_everything_works_that_the_page_says(tool: Any, tmp_path: Path, name: str) -> None:
    library = name.partition(".")[0]
    if library in ("timm", "transformers"):
        pytest.importorskip(library)
    (model,) = (model for model in tool.MODELS if model.call == name)
    row = tool.survey(model, tmp_path)
    expected = dict.fromkeys(tool.COLUMNS, tool.YES) | EXPECTED[name]
    found = {column: row.found.get(column) for column in tool.COLUMNS}
    assert found == expected, row.reasons


def test_the_page_is_what_is_known_of_the_models(tool: Any) -> None:
    records = tool.recorded()
    assert records.keys() <= {tool.named(model) for model in tool.MODELS}
    assert tool.PAGE.read_text(encoding="utf-8") == tool.page(records)
    for name, codes in EXPECTED.items():
        for found in (records[known] for known in records if known.partition("(")[0] == name):
            failed = {key: code for key, code in found["found"].items() if code != tool.YES}
            assert failed == codes
