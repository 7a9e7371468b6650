"""The layout of the features at a cut: what each axis of their tensor means."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from legonet.language.declarations import LayoutName

MOST_PREFIX_TOKENS = 16
"""Most class, distillation and register tokens that are looked for before a square grid."""


@dataclass(frozen=True)
class Layout:
    """What each axis of a feature tensor means, after the batch axis.

    Args:
        kind: ``maps`` (C, H, W), ``channels_last`` (H, W, C), ``tokens`` (L, C) or ``vectors``
            (C,).
        channels: C.
        height: H, or the height of the grid of tokens; 1 for vectors.
        width: W, or the width of the grid of tokens; 1 for vectors.
        prefix: Tokens before the grid, such as a class token and registers.
        gridded: Whether tokens after the prefix are a grid, row by row; if not, `height` is their
            number and `width` is 1.
    """

    kind: LayoutName
    channels: int
    height: int = 1
    width: int = 1
    prefix: int = 0
    gridded: bool = True

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def length(self) -> int:
        """Number of positions, prefix tokens included."""
        return self.prefix + self.height * self.width

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor without the batch axis."""
        match self.kind:
            case "maps":
                return self.channels, self.height, self.width
            case "channels_last":
                return self.height, self.width, self.channels
            case "tokens":
                return self.length, self.channels
            case "vectors":
                return (self.channels,)

    @property
    def name(self) -> str:
        """What people call the kind, such as ``channels-last maps``."""
        return "channels-last maps" if self.kind == "channels_last" else self.kind

    @property
    def words(self) -> str:
        """What people call it, such as ``tokens of 197x192 (1 + 14x14)``."""
        shape = "x".join(map(str, self.shape))
        if self.kind != "tokens":
            return f"{self.name} of {shape}"
        parts = [str(self.prefix)] * bool(self.prefix) + [f"{self.height}x{self.width}"]
        return f"tokens of {shape}" + (f" ({' + '.join(parts)})" if self.gridded else "")


def tokens(length: int, channels: int, prefix: int | None, *, ordered: bool = True) -> Layout:
    """Return the layout of tokens.

    Args:
        length: L, prefix tokens included.
        channels: C.
        prefix: How many tokens probably come before the grid. If the others are not a square, or
            nothing is known, as few come before it as leave a square.
        ordered: Whether the tokens after the prefix are in the order of rows.
    """
    candidates = ([] if prefix is None else [prefix]) + [*range(MOST_PREFIX_TOKENS + 1)]
    for before in candidates if ordered else ():
        side = isqrt(max(0, length - before))
        if side and side * side == length - before:
            return Layout("tokens", channels, side, side, before)
    return Layout("tokens", channels, length, 1, 0, gridded=False)
