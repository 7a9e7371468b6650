"""No picture, mask or file of weights, however damaged, makes anything but a diagnostic.

With ``LEGONET_RANDOM_INPUTS=10000`` in the environment each kind is damaged in so many ways, other
ones each time; otherwise in 300, always the same ones.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from legonet.data.decode import open_mask, open_picture, renumber
from legonet.diagnostics import CODES, DiagnosticError
from legonet.modules.weight_files import read_weights, weights_digest

RANDOM_INPUTS = int(os.environ.get("LEGONET_RANDOM_INPUTS", "0"))

MANY = settings(
    max_examples=RANDOM_INPUTS or 300,
    deadline=None,
    derandomize=not RANDOM_INPUTS,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def _encoded(form: str, **options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = BytesIO()
    given = {"exif": exif} if form in ("JPEG", "PNG", "WEBP") else {}
    (picture.quantize(16) if form == "GIF" else picture).save(stream, form, **given, **options)
    return stream.getvalue()


PICTURES = {form: _encoded(form) for form in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")}
PICTURES["compressed TIFF"] = _encoded("TIFF", compression="tiff_lzw")


def _mask(mode: str) -> bytes:
    numbers = np.array([[0, 128, 255], [255, 0, 0]], np.uint8)
    stream = BytesIO()
    Image.fromarray(numbers).convert(mode).save(stream, "PNG")
    return stream.getvalue()


MASKS = {mode: _mask(mode) for mode in ("L", "P", "1", "RGB", "LA")}

WEIGHTS = save({"a.weight": torch.ones(2, 3), "b": torch.zeros(4, dtype=torch.int64)})
HEADER = 8 + int.from_bytes(WEIGHTS[:8], "little")


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, until: int | None = None) -> bytes:
    """A file with bytes changed, put in, left out or cut off.

    Args:
        draw: Draws.
        whole: The file.
        until: Where damages end; default: anywhere.
    """
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        last = max(0, min(len(content), until or len(content)) - 1)
        # Most of what can go wrong is in the first bytes.
        place = draw(st.one_of(st.integers(0, min(64, last)), st.integers(0, last)))
        match draw(st.sampled_from(["change", "put in", "leave out", "cut off", "flip"])):
            case "put in":
                content[place:place] = draw(st.binary(min_size=1, max_size=8))
            case "leave out":
                del content[place : place + draw(st.integers(1, 16))]
            case "cut off":
                del content[place:]
            case "flip" if content:
                content[place] ^= 1 << draw(st.integers(0, 7))
            case _:
                new = draw(st.binary(min_size=1, max_size=4))
                content[place : place + len(new)] = new
    return bytes(content)


def only_diagnoses(work: Callable[[], object]) -> None:
    """Check that some work ends well or with diagnostics that say what to do."""
    try:
        with warnings.catch_warnings():
            # Libraries warn of damaged notes that they leave out.
            warnings.simplefilter("ignore")
            work()
    except DiagnosticError as error:
        for found in error.diagnostics:
            assert found.code in CODES
            assert found.help
            assert "\n" not in found.message


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file"


@given(data=st.data())
@MANY
def test_damaged_pictures(file: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(sorted(PICTURES)))
    file.write_bytes(data.draw(damaged(PICTURES[whole])))
    only_diagnoses(lambda: open_picture(file, "x.jpg"))


@given(data=st.data())
@MANY
def test_damaged_masks(file: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(sorted(MASKS)))
    file.write_bytes(data.draw(damaged(MASKS[whole])))
    only_diagnoses(
        lambda: renumber(open_mask(file, "mask.png"), {0: 0, 128: 255, 255: 1}, "mask.png")
    )


@given(data=st.data())
@MANY
def test_damaged_headers_of_weights(file: Path, data: st.DataObject) -> None:
    weights = file.with_suffix(".safetensors")
    weights.write_bytes(data.draw(damaged(WEIGHTS, HEADER)))
    only_diagnoses(lambda: weights_digest(weights, None))
    only_diagnoses(lambda: read_weights(weights, None))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


@given(data=st.data())
@MANY
def test_headers_of_weights_that_say_something_else(file: Path, data: st.DataObject) -> None:
    header = json.loads(WEIGHTS[8:HEADER])
    name = data.draw(st.sampled_from(sorted(header)))
    field = data.draw(st.sampled_from(["dtype", "shape", "data_offsets", None]))
    if field is None:
        header[name] = data.draw(json_values)
    else:
        header[name][field] = data.draw(json_values)
    _check_header(file, header)


@pytest.mark.parametrize(
    "field",
    [
        {"data_offsets": [-145, 0]},
        {"data_offsets": [0, float("inf")]},
        {"data_offsets": [24, 0]},
        {"shape": [-1, 6]},
        {"shape": [2**70]},
        {"dtype": []},
    ],
)
def test_numbers_that_no_tensor_has(file: Path, field: dict[str, object]) -> None:
    header = json.loads(WEIGHTS[8:HEADER])
    header["a.weight"].update(field)
    _check_header(file, header)


def _check_header(file: Path, header: object) -> None:
    text = json.dumps(header).encode()
    weights = file.with_suffix(".safetensors")
    weights.write_bytes(len(text).to_bytes(8, "little") + text + WEIGHTS[HEADER:])
    only_diagnoses(lambda: weights_digest(weights, None))
    only_diagnoses(lambda: read_weights(weights, None))
