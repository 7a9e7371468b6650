"""Which tensor of a file is which of a network: by name, after renaming, or by order."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import chain, islice
from typing import TYPE_CHECKING

from legonet.diagnostics import DiagnosticError, did_you_mean
from legonet.modules.weight_files import without_prefixes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from legonet.language.weights import Loading
    from legonet.modules.weight_files import Shapes

_COUNTER = "num_batches_tracked"
"""A batch norm's count of its updates, which files of older versions of torch do not have."""

_MOST_LINES = 8
"""Help lines about single tensors, at most; a network of another kind would fill the screen."""

Pairs = dict[str, str]
"""The name in the file of each tensor of the network that the file has."""


def paired(
    expected: Shapes, found: Shapes, loading: Loading, origin: str, *, ordered: bool
) -> Pairs:
    """Return which tensor of a file each tensor of a network is.

    Args:
        expected: The network's shapes, in the order of its state dict.
        found: Those of the file, in its order.
        loading: What the spec says of renaming, and of what is left out.
        origin: What to call the file in errors.
        ordered: Whether the file has kept the order of the network that it is from.

    Returns:
        The names in the file by those in the network, without those that ``except`` leaves out and
        counts of updates that the file lacks.

    Raises:
        DiagnosticError: LEGO505, a tensor is missing, unexpected or of another shape.
    """
    wanted = {name: shape for name, shape in expected.items() if not _excluded(name, loading)}
    names = _renamed(found, loading)
    if loading.match == "order":
        return _by_order(wanted, found, names, origin, ordered=ordered)
    pairs, own = _by_name(wanted, names)
    found_shapes = {name: found[raw] for name, raw in own.items() if not _excluded(name, loading)}
    _check_fit(wanted, found_shapes, origin, _proposals(wanted, found, names, ordered=ordered))
    return pairs


def _excluded(name: str, loading: Loading) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in loading.excluded)


def _renamed(names: Iterable[str], loading: Loading) -> Pairs:
    """Return the names in the file by what the rules make of them."""
    rules = [_rule(text) for text in loading.rename]
    renamed: Pairs = {}
    for raw in names:
        name = raw
        for pattern, new in rules:
            name = pattern.sub(new, name)
        if name in renamed:
            raise DiagnosticError.of(
                "LEGO505",
                f"`rename` makes `{name}` of both `{renamed[name]}` and `{raw}`",
                label="two of one name",
                help=["each tensor needs a name of its own: see `rename` in `loading`"],
            )
        renamed[name] = raw
    return renamed


def _rule(text: str) -> tuple[re.Pattern[str], str]:
    """Return what a rule ``OLD -> NEW`` finds at the beginning of a name, and what replaces it."""
    old, _, new = (part.strip() for part in text.partition("->"))
    part = re.escape(old).replace(r"\*", r"([^.]+)")
    end = "" if old.endswith(".") else r"(?=\.|$)"
    numbers = iter(range(1, new.count("*") + 1))
    replaced = re.sub(r"\*", lambda _: rf"\g<{next(numbers)}>", new.replace("\\", r"\\"))
    return re.compile(f"^{part}{end}"), replaced


def _by_name(wanted: Shapes, names: Pairs) -> tuple[Pairs, Pairs]:
    """Match names, with or without a part that all of those on one side begin with.

    Returns:
        The names in the file by those in the network, and all of them by what they would be called
        in it.
    """
    bare = without_prefixes(wanted)
    candidates = [names, {bare.get(name, name): raw for name, raw in names.items()}]
    for first in dict.fromkeys(name.partition(".")[0] for name in wanted):
        candidates.append({f"{first}.{name}": raw for name, raw in names.items()})
    firsts = {name.partition(".")[0] for name in names}
    if len(firsts) == 1:
        candidates.append({name.partition(".")[2]: raw for name, raw in names.items()})
    # The first of the best: where names fit as they are, nothing is put before them.
    best = max(candidates, key=lambda found: len(found.keys() & wanted.keys()))
    return {name: best[name] for name in wanted if name in best}, best


def _by_order(wanted: Shapes, found: Shapes, names: Pairs, origin: str, *, ordered: bool) -> Pairs:
    pairs = _pairs_in_order(wanted, found, names) if ordered else None
    if pairs is not None:
        return pairs
    ours = [name for name in wanted if not name.endswith(_COUNTER)]
    theirs = [name for name in names if not name.endswith(_COUNTER)]
    help_lines = [f"the network has {len(ours)} tensors, the weights have {len(theirs)}"]
    if not ordered:
        help_lines = ["a safetensors file is sorted by name: say `rename` instead of `match`"]
    else:
        differing = next(
            (
                (own, other)
                for own, other in zip(ours, theirs, strict=False)
                if wanted[own] != found[names[other]] or not _alike(own, other)
            ),
            None,
        )
        if differing is not None:
            own, other = differing
            help_lines.append(
                f"the first that differ are the network's `{own}` {wanted[own]} "
                f"and `{other}` {found[names[other]]}"
            )
    raise DiagnosticError.of(
        "LEGO505",
        f"the weights in {origin} do not fit the network in the order in which they come",
        label="do not fit",
        help=help_lines,
    )


def _pairs_in_order(wanted: Shapes, found: Shapes, names: Pairs) -> Pairs | None:
    """Match tensors by their order, or return None where kinds or shapes differ."""
    ours = [name for name in wanted if not name.endswith(_COUNTER)]
    theirs = [name for name in names if not name.endswith(_COUNTER)]
    if len(ours) != len(theirs):
        return None
    for own, other in zip(ours, theirs, strict=True):
        if wanted[own] != found[names[other]] or not _alike(own, other):
            return None
    return {own: names[other] for own, other in zip(ours, theirs, strict=True)}


def _alike(own: str, other: str) -> bool:
    """Whether two tensors may be the same one: a mean is no variance, and a bias no weight."""
    kinds = ("weight", "bias", "running_mean", "running_var")
    last = {own.rpartition(".")[2], other.rpartition(".")[2]}
    return len(last) == 1 or not last & set(kinds)


def _check_fit(wanted: Shapes, found: Shapes, origin: str, proposals: list[str]) -> None:
    """Raise one error that lists all tensors that are missing, unexpected or of another shape."""
    missing = [name for name in wanted if name not in found and not name.endswith(_COUNTER)]
    unexpected = [name for name in found if name not in wanted and not name.endswith(_COUNTER)]
    misshaped = [name for name in wanted if name in found and wanted[name] != found[name]]
    if not (missing or unexpected or misshaped):
        return
    described = chain(
        (f"`{name}`: expected {wanted[name]}, found {found[name]}" for name in misshaped),
        (f"`{name}` is missing{_nearest(name, unexpected)}" for name in missing),
        (f"`{name}` is not expected{_nearest(name, missing)}" for name in unexpected),
    )
    # To find the nearest names of hundreds of tensors takes seconds.
    lines = list(islice(described, _MOST_LINES))
    more = len(misshaped) + len(missing) + len(unexpected) - len(lines)
    if more:
        lines.append(f"and {more} more")
    raise DiagnosticError.of(
        "LEGO505",
        f"the weights in {origin} do not fit the network: {len(missing)} tensors missing, "
        f"{len(unexpected)} not expected, {len(misshaped)} of another shape",
        label="do not fit",
        help=[*lines, *(proposals or _without_last(missing, unexpected, misshaped))],
    )


def _proposals(wanted: Shapes, found: Shapes, names: Pairs, *, ordered: bool) -> list[str]:
    if not ordered or _pairs_in_order(wanted, found, names) is None:
        return []
    return [
        "all shapes agree in the order in which they come: `loading { match: order }` loads them"
    ]


def _without_last(missing: list[str], unexpected: list[str], misshaped: list[str]) -> list[str]:
    """Propose to leave out a single layer, such as the last one of a network of other classes."""
    layers = {name.rpartition(".")[0] for name in (*missing, *unexpected, *misshaped)}
    if len(layers) != 1 or not all(layers):
        return []
    layer = layers.pop()
    advice = f'to begin with all but this layer, write `loading {{ except: ["{layer}.*"] }}`'
    return [advice if unexpected and not misshaped else f"{advice} and train the network"]


def _nearest(name: str, candidates: Iterable[str]) -> str:
    return "".join(f"; {line}" for line in did_you_mean(name, candidates, "tensor"))


def random_names(expected: Mapping[str, object], pairs: Pairs) -> list[str]:
    """Return the names of the tensors that keep their random start."""
    return [name for name in expected if name not in pairs and not name.endswith(_COUNTER)]
