"""From the layout of one network's features to that of another: what adapters see between them.

An adapter is made of convs and sees maps ``(N, C, H, W)``, whatever the two networks have. A
`Bridge` brings the category module's features into this form, at the height and width that the task
module takes, and what the adapter returns into the task module's layout. Between two networks
with maps of one size it does nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from legonet.modules.layout import Layout

Resizing = Literal["pool", "bilinear"]
"""How maps are resized: by averaging, or by bilinear interpolation."""


@dataclass(frozen=True)
class Bridge:
    """How features get from a category module through an adapter to a task module.

    Two networks with tokens keep all of them: prefix tokens stay prefix tokens, and the adapter
    sees sequences, ``(N, C, L, 1)``. Where only one side has prefix tokens, they are left out, or
    made from the mean of the grid.

    Args:
        reads: Layout of the features of f.
        writes: Layout of the features that g_S takes.
        resizing: How grids of different sizes are resized; None: whole factors down by averaging,
            everything else by bilinear interpolation.
        sequences: Whether the adapter sees sequences of tokens instead of maps.
    """

    reads: Layout
    writes: Layout
    resizing: Resizing | None = None
    sequences: bool = False

    @classmethod
    def between(cls, reads: Layout, writes: Layout, resizing: Resizing | None = None) -> Bridge:
        """Return the bridge between two layouts; see `Bridge`."""
        sides = reads, writes
        both = all(side.kind == "tokens" for side in sides)
        kept = all(side.prefix for side in sides) or not all(side.gridded for side in sides)
        return cls(reads, writes, resizing, both and kept)

    @classmethod
    def of(cls, description: Mapping[str, Any]) -> Bridge:
        """Return the bridge that `description` described."""
        return cls(
            Layout(**description["reads"]),
            Layout(**description["writes"]),
            description["resizing"],
            description["sequences"],
        )

    @property
    def description(self) -> dict[str, Any]:
        """What determines it, as JSON values."""
        return asdict(self)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to do."""
        return self.reads.kind == self.writes.kind == "maps" and not self.resizes

    @property
    def resizes(self) -> bool:
        """Whether heights and widths differ."""
        return self.reads.grid != self.writes.grid

    @property
    def joined(self) -> tuple[int, int, int]:
        """Shape ``(C, H, W)`` of what the adapter returns."""
        if self.sequences:
            return self.writes.channels, self.writes.length, 1
        return self.writes.channels, self.writes.height, self.writes.width

    @property
    def own(self) -> Bridge:
        """The way from f_S to g_S."""
        return replace(self, reads=self.writes)

    @property
    def inverse(self) -> Bridge:
        """The way back to the rest of f's own network; what resizing lost stays lost."""
        return replace(self, reads=self.writes, writes=self.reads)

    @property
    def resized_how(self) -> str | None:
        """In words how heights and widths are changed; None if they are not."""
        if not self.resizes:
            return None
        before, after = (f"{side.height}x{side.width}" for side in (self.reads, self.writes))
        return f"{before} to {after}, {'averaged' if self._pools else 'bilinear'}"

    def enter(self, features: Tensor) -> Tensor:
        """Return features of f as maps of the size that the adapter works on.

        Args:
            features: ``(N, ..)`` with the shape of `reads`.

        Returns:
            ``(N, C, H, W)``, or ``(N, C, L, 1)`` for `sequences`.
        """
        if self.sequences:
            return self.resized(_upright(features))
        match self.reads.kind:
            case "maps":
                maps = features
            case "channels_last":
                maps = features.permute(0, 3, 1, 2).contiguous()
            case "vectors":
                maps = features.unsqueeze(2).unsqueeze(3)
            case "tokens":
                maps = self._grid(features[:, self.reads.prefix :].transpose(1, 2)).contiguous()
        return self.resized(maps)

    def resized(self, maps: Tensor) -> Tensor:
        """Return maps of the size of `reads` as maps of the size of `writes`."""
        if not self.sequences:
            return self._resized(maps)
        before, after = self.reads.prefix, self.writes.prefix
        if not self.resizes and before == after:
            return maps
        grid = self._resized(self._grid(maps[:, :, before:, 0])).flatten(2)
        kept = maps[:, :, : min(before, after), 0]
        # Missing tokens are made from the mean of the grid.
        made = [grid.mean(2, keepdim=True)] * max(0, after - before)
        return torch.cat([kept, *made, grid], 2).unsqueeze(3)

    def leave(self, maps: Tensor) -> Tensor:
        """Return what an adapter made as features that g_S takes.

        Args:
            maps: As `enter` returns them, with the channels of `writes`.

        Returns:
            ``(N, ..)`` with the shape of `writes`.
        """
        match self.writes.kind:
            case "maps":
                return maps
            case "channels_last":
                return maps.permute(0, 2, 3, 1).contiguous()
            case "vectors":
                return maps.flatten(1)
        found = maps.flatten(2).transpose(1, 2).contiguous()
        made = [] if self.sequences else [found.mean(1, keepdim=True)] * self.writes.prefix
        return torch.cat([*made, found], 1) if made else found

    @cached_property
    def _pools(self) -> bool:
        if self.resizing is not None:
            return self.resizing == "pool"
        return _factors(self.reads.grid, self.writes.grid) is not None

    def _grid(self, rows: Tensor) -> Tensor:
        """Return positions ``(N, C, H W)`` as maps ``(N, C, H, W)``."""
        maps: Tensor = rows.unflatten(2, self.reads.grid)  # type: ignore[no-untyped-call]
        return maps

    def _resized(self, maps: Tensor) -> Tensor:
        if not self.resizes:
            return maps
        size = self.writes.grid
        down = _factors(self.reads.grid, size)
        if self._pools and down is not None:
            return functional.avg_pool2d(maps, down)
        if self._pools:
            return functional.adaptive_avg_pool2d(maps, size)
        up = _factors(size, self.reads.grid)
        if up is not None:
            # A factor also serves pictures of other sizes than those that the edge was learned on.
            return functional.interpolate(maps, scale_factor=up, mode="bilinear")
        smaller = any(a < b for a, b in zip(size, self.reads.grid, strict=True))
        return functional.interpolate(maps, size, mode="bilinear", antialias=smaller)


class Entering(nn.Module):
    """A category module whose features come as the adapter sees them.

    Args:
        module: The category module.
        bridge: How its features enter.
    """

    def __init__(self, module: nn.Module, bridge: Bridge) -> None:
        super().__init__()
        self.module = module
        self.bridge = bridge

    def forward(self, pictures: Tensor) -> Tensor:
        """Return maps for pictures ``(N, 3, H, W)``."""
        return self.bridge.enter(self.module(pictures))


class Leaving(nn.Module):
    """A task module that takes maps as an adapter sees them.

    Args:
        module: The task module.
        bridge: How its features are made from maps: `Bridge.own`, or `Bridge.inverse` for what
            comes after f in its own network.
    """

    def __init__(self, module: nn.Module, bridge: Bridge) -> None:
        super().__init__()
        self.module = module
        self.bridge = bridge

    def forward(self, maps: Tensor) -> Tensor:
        """Return answers for maps ``(N, C, H, W)``."""
        answer: Tensor = self.module(self.bridge.leave(self.bridge.resized(maps)))
        return answer


def entering(module: nn.Module, bridge: Bridge) -> nn.Module:
    """Return a category module whose features come as maps; itself where they already do."""
    return module if bridge.is_plain else Entering(module, bridge)


def leaving(module: nn.Module, bridge: Bridge) -> nn.Module:
    """Return a task module that takes maps; itself where it already does."""
    return module if bridge.is_plain else Leaving(module, bridge)


def _factors(large: tuple[int, int], small: tuple[int, int]) -> tuple[int, int] | None:
    """Return the whole factors between two sizes; None if there are none."""
    if any(a % b for a, b in zip(large, small, strict=True)):
        return None
    return large[0] // small[0], large[1] // small[1]


def _upright(tokens: Tensor) -> Tensor:
    """Return tokens ``(N, L, C)`` as maps ``(N, C, L, 1)``."""
    return tokens.transpose(1, 2).unsqueeze(3).contiguous()
