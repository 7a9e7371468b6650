"""Draws with the Graphviz bundled in pygraphviz: DOT on standard input, a picture on output.

It is a separate program for `engines`, and so imports nothing else: ``bundled_graphviz.py svg``, or
``bundled_graphviz.py svg placed`` if DOT says where everything is.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Draw one picture."""
    import pygraphviz

    graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
    # `nop2` keeps the given positions of boxes and lines.
    layout = "nop2" if "placed" in sys.argv else "dot"
    sys.stdout.buffer.write(graph.draw(format=sys.argv[1], prog=layout))


if __name__ == "__main__":
    main()
