"""``python -m legonet``."""

from __future__ import annotations

from legonet.cli.main import run

if __name__ == "__main__":
    run()
