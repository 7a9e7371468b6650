"""Diagnostic codes of graphs that are edited in Python."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO720",
        "other statements need what is to be removed",
        """
An edit of a graph removes a statement that others refer to: the category modules that are cut out
of a network, the adapters of a task, the paths along an adapter. They would refer to nothing.

Change them first, remove them first, or remove everything at once with
`graph.remove("network", "cat_net", cascade=True)`.
""",
    ),
    Code(
        "LEGO721",
        "an edit cannot be written into the text",
        """
A graph is written back into the text that it came from, and that text cannot express everything:

- An imported statement keeps its alias at the beginning of its name, and refers only to names in
  its own file. New statements go into the spec's own file, under names without a dot.
- A file that is imported twice says the same both times. Change its statement under both names, or
  under neither.
- A name that is also a `let` or a loop variable cannot be referred to. Rename one of the two.
- A field whose value is set by `--set` or an `Override` keeps that value, whatever the text says.

The message says which of these it is, and where.
""",
    ),
    Code(
        "LEGO722",
        "imported files would change",
        """
An edit affects statements in a file that the spec imports, such as a library of networks. Other
specs may import the same file, so `save()` changes only the spec's own file. `save(imports=True)`
writes the imported files too.
""",
    ),
    Code(
        "LEGO723",
        "saving would overwrite another file or another change",
        """
Someone or something else has changed the file since the graph was loaded, or the graph is to be
saved over a file that it did not come from. The contents of the file would be lost.

Load the file and repeat the edits, save to another file, or overwrite it with
`save(overwrite=True)`.
""",
    ),
    Code(
        "LEGO724",
        "the graph has no file",
        """
A graph that was created from scratch needs a file name: `graph.save("animals.lego")`. Later calls
of `save()` write to the same file.
""",
    ),
    Code(
        "LEGO728",
        "not a value of the language",
        """
A field of a graph was given a Python object that a `.lego` file cannot express. Fields take
strings, whole and decimal numbers, truth values, lists, paths, the text of a call such as
`"legonet.small_vgg(classes: 1)"`, the forms of `legonet.language`, and mappings for blocks such as
`train`.
""",
    ),
)
