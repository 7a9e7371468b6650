"""Answers along many routes at once: what they share is computed once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from legonet.diagnostics import DiagnosticError
from legonet.network.loaded import Way
from legonet.network.routes import Ends


def answers(ways: Mapping[Ends, Way], pictures: Tensor) -> dict[Ends, Tensor]:
    """Return what the routes answer for the same pictures.

    A category module sees the pictures once. A task module sees the features of all categories
    that lead to it once, as one batch, so that the last bits of an answer may be others than those
    of its route alone.

    Args:
        ways: The modules of each route, all on the device of the pictures.
        pictures: ``(N, 3, H, W)``, float32.

    Returns:
        Logits, ``(N, K)`` or ``(N, K, H, W)``, for each route.
    """
    features = {
        category_module: category_module(pictures)
        for category_module in dict.fromkeys(way[0] for way in ways.values())
    }
    leading: defaultdict[nn.Module, list[Way]] = defaultdict(list)
    # Two names may stand for the same modules.
    for way in dict.fromkeys(ways.values()):
        leading[way[-1]].append(way)
    found: dict[Way, Tensor] = {}
    for task_module, group in leading.items():
        arriving = {way: _adapted(way, features[way[0]]) for way in group}
        for alike in _of_one_shape(arriving):
            joined = [arriving[way] for way in alike]
            batch = torch.cat(joined) if len(joined) > 1 else joined[0]
            parts = task_module(batch).unflatten(0, (len(alike), len(pictures)))
            found.update(zip(alike, parts.unbind(0), strict=True))
    return {ends: found[way] for ends, way in ways.items()}


def _adapted(way: Way, features: Tensor) -> Tensor:
    for adapter in way[1:-1]:
        features = adapter(features)
    return features


def _of_one_shape(arriving: Mapping[Way, Tensor]) -> list[list[Way]]:
    groups: defaultdict[tuple[int, ...], list[Way]] = defaultdict(list)
    for way, features in arriving.items():
        groups[tuple(features.shape)].append(way)
    return list(groups.values())


@contextmanager
def told_in_words(names: str, pictures: Tensor, usual: Callable[[], int]) -> Iterator[None]:
    """Say of what torch raises which route and which pictures it is about.

    Args:
        names: Of the routes.
        pictures: What they answer for.
        usual: Finds the pixels across and down of the pictures that they were learned on.

    Raises:
        DiagnosticError: Torch raised something (``LEGO747``), or memory is short (``LEGO748``).
    """
    count, _, height, width = pictures.shape
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _short_of_memory(names, count, height, width) from error
    except RuntimeError as error:
        # Of the main memory torch says so in words alone.
        if "allocate memory" in str(error):
            raise _short_of_memory(names, count, height, width) from error
        reason = str(error).partition("\n")[0].rstrip(".")
        raise _no_answer(names, height, width, reason, usual) from error


def check_size(names: str, answer: Tensor, pictures: Tensor, usual: Callable[[], int]) -> None:
    """Check that an answer per pixel has the size of its pictures.

    Args:
        names: Of the route.
        answer: What it answered.
        pictures: What for.
        usual: Finds the pixels across and down of the pictures that it was learned on.

    Raises:
        DiagnosticError: It has another size (``LEGO747``).
    """
    if answer.dim() != 4 or answer.shape[2:] == pictures.shape[2:]:
        return
    height, width = pictures.shape[2:]
    reason = f"the answer has {answer.shape[2]}x{answer.shape[3]} pixels"
    raise _no_answer(names, height, width, reason, usual)


def _no_answer(
    names: str, height: int, width: int, reason: str, usual: Callable[[], int]
) -> DiagnosticError:
    size = usual()
    return DiagnosticError.of(
        "LEGO747",
        f"`{names}` cannot answer for pictures of {height}x{width}: {reason}",
        help=[
            f"it was learned on {size}x{size}",
            "other sizes have to be large enough for its layers, and a multiple of its stride",
        ],
    )


def _short_of_memory(names: str, count: int, height: int, width: int) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO748",
        f"there is too little memory for `{names}` and {count} pictures of {height}x{width}",
        help=["give fewer pictures at once, or choose another device"],
    )
