"""Files of torch's own format, read without running code, and the tensors in them."""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING, Any

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.foreign_files import recognised

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

_DEEPEST = 3
"""How many entries lead to the tensors, at most."""


def read_torch_file(file: Path, entry: str | None, device: str) -> dict[str, Tensor]:
    """Return the tensors in a file that ``torch.save`` wrote, by their names.

    Args:
        file: The file.
        entry: The entry of the file that holds the tensors, if there are several.
        device: Where they go; ``meta`` gives shapes alone.

    Raises:
        DiagnosticError: LEGO504, the file cannot be read, or holds more than plain data; LEGO509,
            it holds several sets of tensors, or no such entry.
    """
    found = _unwrapped(_loaded(file, device), entry, file)
    strange = [name for name, item in found.items() if item.is_sparse or item.is_quantized]
    if strange:
        raise unreadable(file, f"`{strange[0]}` is a sparse or quantised tensor")
    return {name: item.detach() for name, item in found.items()}


def unreadable(file: Path, reason: str, *advice: str) -> DiagnosticError:
    """Return what to say of a file that holds no weights, or damaged ones.

    Args:
        file: The file.
        reason: What is wrong with it.
        advice: What to do about it.
    """
    expected = "expected a safetensors file, or a state dict that `torch.save` wrote"
    return DiagnosticError.of(
        "LEGO504",
        f"cannot read the weights in {file}: {reason}",
        label="cannot be read",
        help=[*advice, expected],
    )


def _not_weights(file: Path) -> DiagnosticError:
    """Return what to say of a file that is in neither of the two formats."""
    known = recognised(file)
    if known is not None:
        kind, advice = known
        return unreadable(file, f"it is {kind}", advice)
    with file.open("rb") as stream:
        begin = stream.read(512)
    if begin.startswith(b"PK"):
        if not zipfile.is_zipfile(file):
            return unreadable(file, "it is only the first part of a file", "download it again")
        if not any(name.endswith("data.pkl") for name in _members(file)):
            return unreadable(file, "it is an archive of other files")
    if begin.isascii() and b"\0" not in begin:
        return unreadable(file, "it is a text")
    return unreadable(file, "it is in neither of the two formats", "it may be damaged")


def _loaded(file: Path, device: str) -> Any:
    """Return what torch finds in a file of its own format, or raise LEGO504."""
    import torch

    onnx = file.suffix == ".onnx"
    if onnx or _members(file) & {"constants.pkl", "archive_format"}:
        raise DiagnosticError.of(
            "LEGO504",
            f"{file} is a program, not the weights of a network",
            label="a program",
            help=[
                *([] if onnx else [f'`model: torch.program("{file.name}")` is the network in it']),
                "or name the model that it was exported from, and a file of its weights",
            ],
        )
    try:
        # Not by its name: torch takes a file for safetensors if it is called so.
        with file.open("rb") as stream:
            return torch.load(stream, map_location=device, weights_only=True)
    # torch raises errors of many kinds for a file that is damaged, or was never of its format.
    except Exception as error:
        refused = re.search(r"GLOBAL (\S+)", str(error))
        if refused is None:
            raise _not_weights(file) from error
        raise DiagnosticError.of(
            "LEGO504",
            f"{file} holds more than tensors: an object of `{refused[1]}`, which could run code",
            label="not loaded",
            help=["where you trust it, save `network.state_dict()` alone with `torch.save`"],
        ) from error


def _members(file: Path) -> set[str]:
    try:
        with zipfile.ZipFile(file) as archive:
            return {name.rpartition("/")[2] for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        return set()


def _unwrapped(found: Any, entry: str | None, file: Path) -> dict[str, Tensor]:
    """Return the tensors by name in what a file holds, which may be in an entry of it."""
    known = _entries(found)
    if entry is not None:
        if entry not in known:
            names = ", ".join(f"`{name}`" for name in known) or "none"
            raise DiagnosticError.of(
                "LEGO509",
                f"{file} has no entry `{entry}` with tensors",
                label="no such entry",
                help=[*did_you_mean(entry, known, "entry"), f"those with tensors are {names}"],
            )
        return known[entry]
    tensors = _named_tensors(found)
    # Beside sets of tensors, a number such as the step of the training is not one of them.
    if tensors and (not known or any(item.ndim for item in tensors.values())):
        return tensors
    if len(known) > 1:
        names = ", ".join(f"`{name}`" for name in known)
        raise DiagnosticError.of(
            "LEGO509",
            f"{file} holds {len(known)} sets of tensors: {names}",
            label="which one?",
            help=[f'say which one: `loading {{ entry: "{next(iter(known))}" }}`'],
        )
    return next(iter(known.values()), {})


def _entries(found: Any, depth: int = _DEEPEST) -> dict[str, dict[str, Tensor]]:
    """Return the entries that hold tensors, or lead to one that does, by their names."""
    entries: dict[str, dict[str, Tensor]] = {}
    for name, inside in found.items() if isinstance(found, dict) and depth else ():
        tensors = _named_tensors(inside)
        deeper = {} if tensors else _entries(inside, depth - 1)
        if tensors:
            entries[str(name)] = tensors
        elif len(deeper) == 1 and "optim" not in str(name):
            entries[str(name)] = next(iter(deeper.values()))
    return entries


def _named_tensors(found: Any) -> dict[str, Tensor]:
    from torch import Tensor

    if not isinstance(found, dict):
        return {}
    return {
        name: item
        for name, item in found.items()
        if isinstance(name, str) and isinstance(item, Tensor)
    }
