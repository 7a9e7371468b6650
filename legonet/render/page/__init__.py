"""One self-contained HTML page for searching and exploring a graph, opened from disk."""

from __future__ import annotations

from legonet.render.page.assembly import page

__all__ = ["page"]
