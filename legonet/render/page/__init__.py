"""One self-contained HTML page: a graph to search and to walk through, opened from disk."""

from __future__ import annotations

from legonet.render.page.assembly import page

__all__ = ["page"]
