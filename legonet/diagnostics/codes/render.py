"""Diagnostic codes of drawing."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO801",
        "unknown picture format",
        """\
The file's extension determines the format in which a graph is drawn: `.svg` for web pages, with
names that appear under the mouse, `.png` for anything else that shows pictures, `.pdf` for print,
and `.dot` for Graphviz's own text format, which other tools can draw. `legonet render` also writes
`.html`, a page that opens from disk.

Choose one of these extensions.
""",
    ),
    Code(
        "LEGO802",
        "the path to draw does not exist",
        """\
`--path NAME` draws an application in red. The spec must declare its name, in a statement such as
`path pet_finder = cat -> classify`. The names of an imported spec begin with the import's alias:
`zoo.pet_finder`.

Correct the name, or add a `path` statement. Mark an edge without a name by its two ends:
`--path 'cat->classify'`.
""",
    ),
    Code(
        "LEGO803",
        "the picture cannot be written",
        """\
The folder is missing, is not a folder, or is not writable, or its disk is full. A picture is first
written next to its destination and then moved into place, so whatever was there before is
untouched.

Create the folder, or write somewhere else.
""",
    ),
    Code(
        "LEGO804",
        "Graphviz is not installed",
        """\
Pictures are laid out by Graphviz. legonet uses the program `dot` if it is on the path, and
otherwise the library that comes with the wheels of pygraphviz 2.0 and later. It found neither.

Install Graphviz (`apt install graphviz`, `brew install graphviz`, or from graphviz.org), or
`pip install 'pygraphviz>=2'`. Without either, write a `.dot` file and draw it elsewhere.
""",
    ),
    Code(
        "LEGO805",
        "Graphviz failed",
        """\
Graphviz is installed, but could not draw the picture; the message is Graphviz's own. Usually the
installation lacks the libraries for one format, or was damaged by an update.

Try another format, such as `.svg`, or reinstall Graphviz. legonet writes `.dot` files without
Graphviz; `dot -Tsvg FILE.dot` shows what Graphviz says about the picture.
""",
    ),
    Code(
        "LEGO806",
        "the edge to mark does not exist",
        """\
`--path 'cat->classify'` marks the edge from a category to a task in red, and so does
`picture.highlight(("cat", "classify"))`. The spec must have an adapter between these two.

Correct the names, or add an `adapter` statement.
""",
    ),
    Code(
        "LEGO807",
        "a pattern matches nothing to draw",
        """\
`--only PATTERN` shows a part of a graph. A pattern is compared with the names of categories and
tasks or, if it contains an arrow, with edges: `cat`, `cat*`, `cat* -> classify`. `*` matches any
characters, `?` any single one, and `[ab]` one of several. This pattern matches no name at all.

Correct the pattern. In a shell, put it in quotes, or the shell interprets `*` and `>` itself.
""",
    ),
)
