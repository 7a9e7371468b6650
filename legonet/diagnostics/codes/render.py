"""Diagnostic codes of drawing."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO801",
        "unknown picture format",
        """\
The suffix of the file says in which format a graph is drawn: `.svg` for pages and for the names
that appear under the mouse, `.png` for anything else that shows pictures, `.pdf` for print, `.dot`
for Graphviz's own text, which other tools can draw. `legonet render` also writes `.html`, a page
that opens from disk.

Choose one of these suffixes.
""",
    ),
    Code(
        "LEGO802",
        "the path to draw does not exist",
        """\
`--path NAME` draws an application in red. Its name must stand in the spec, in a statement such as
`path pet_finder = cat -> classify`. The names of an imported spec carry the import's alias in
front: `zoo.pet_finder`.

Correct the name, or add a `path` statement. An edge without a name is marked by its two ends:
`--path 'cat->classify'`.
""",
    ),
    Code(
        "LEGO803",
        "the picture cannot be written",
        """\
The folder is missing, is no folder, may not be written to, or its disk is full. A picture is first
written beside its place and then moved, so whatever stood there before is untouched.

Make the folder, or write somewhere else.
""",
    ),
    Code(
        "LEGO804",
        "there is no Graphviz",
        """\
Pictures are laid out by Graphviz. legonet takes the program `dot` where it is on the path, and
otherwise the library that the wheels of pygraphviz 2.0 and later carry. Here it found neither.

Install Graphviz (`apt install graphviz`, `brew install graphviz`, or from graphviz.org), or
`pip install 'pygraphviz>=2'`. Without either, write a `.dot` file and draw it elsewhere.
""",
    ),
    Code(
        "LEGO805",
        "Graphviz failed",
        """\
Graphviz is installed, but could not draw the picture; the message is its own. Mostly an
installation lacks the libraries for one format, or was damaged by an update.

Try another format, such as `.svg`, or install Graphviz again. A `.dot` file is written without
Graphviz; `dot -Tsvg FILE.dot` shows what it says about the picture.
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
        "a pattern chooses nothing to draw",
        """\
`--only PATTERN` shows a part of a graph. A pattern is compared with the names of categories and of
tasks, and, where it holds an arrow, with edges: `cat`, `cat*`, `cat* -> classify`. `*` stands for
any letters, `?` for one, `[ab]` for one of several. This pattern fits no name at all.

Correct the pattern. In a shell, put it in quotes, or the shell takes `*` and `>` for itself.
""",
    ),
)
