"""Draws with the Graphviz that pygraphviz carries: DOT on standard input, a picture on output.

A program of its own for `engines`, and so without any other import: ``bundled_graphviz.py svg``.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Draw one picture."""
    import pygraphviz

    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog="dot"))


if __name__ == "__main__":
    main()
