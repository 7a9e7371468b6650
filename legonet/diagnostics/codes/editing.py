"""Diagnostic codes of graphs that are edited in Python."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO712",
        "an edge that a program asked for cannot be made",
        """
`Builder.connect(category, task, ...)` takes names of the spec, and the fields of an `adapter`
statement as arguments: `layers=[1, 3]`, `samples=20`, `method=...`. A name or a field is wrong. The
graph stays as it was.
""",
    ),
    Code(
        "LEGO720",
        "other statements need what is to be removed",
        """
An edit of a graph takes a statement out, and others refer to it: the category modules that are cut
out of a network, the adapters of a task, the paths along an adapter. They would refer to nothing.

Change them first, remove them first, or remove all of it at once with
`graph.remove("network", "cat_net", cascade=True)`.
""",
    ),
    Code(
        "LEGO721",
        "an edit cannot be written into the text",
        """
A graph is written back into the text that it came from, and not everything can be said there:

- What an import brings keeps the alias in front of its name, and refers to names of its own file
  alone. What is new stands in the spec's own file, under a name without a dot.
- A file that is imported twice says the same both times. Change its statement under both names, or
  under none.
- A name that a `let` or a loop gives another meaning cannot be referred to. Rename one of the two.
- A field whose value `--set` or an `Override` gives keeps that value, whatever the text says.

The message says which of these it is, and where.
""",
    ),
    Code(
        "LEGO722",
        "imported files would change",
        """
An edit is about statements of a file that the spec imports, such as one with a library of networks.
Other specs may import the same file, so that `save()` changes the spec's own file alone.
`save(imports=True)` writes the imported files too.
""",
    ),
    Code(
        "LEGO723",
        "the file is not what it was",
        """
Since the graph was loaded, somebody else has changed the file, or the graph is to be saved over a
file that it did not come from. What stands there would be lost.

Load the file and repeat the edits, save to another file, or write over it with
`save(overwrite=True)`.
""",
    ),
    Code(
        "LEGO724",
        "the graph has no file",
        """
A graph that was made from nothing has to be told where it shall stand:
`graph.save("animals.lego")`. Later calls of `save()` write there.
""",
    ),
    Code(
        "LEGO728",
        "no value of the language",
        """
A field of a graph was given an object of Python that a `.lego` file has no words for. Fields take
strings, whole and decimal numbers, truth values, lists, paths, the text of a call such as
`"legonet.small_vgg(classes: 1)"`, the forms of `legonet.spec`, and mappings for blocks such as
`train`.
""",
    ),
)
