"""Draws with the Graphviz that pygraphviz carries: DOT on standard input, a picture on output.

A program of its own for `engines`, and so without any other import: ``bundled_graphviz.py svg``, or
``bundled_graphviz.py svg placed`` where DOT says where everything is.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Draw one picture."""
    import pygraphviz

    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    # `nop2` takes the places of boxes and lines as they are.
    layout = "nop2" if "placed" in sys.argv else "dot"
    sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog=layout))


if __name__ == "__main__":
    main()
