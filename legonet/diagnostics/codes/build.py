"""Diagnostic codes of building and the store."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO701",
        "a file cannot be written",
        """
The disk is full, or the folder is read-only or not a folder. Files are written beside their place
and then moved into it, so that nothing half-written is ever left behind, and whatever was built
before stays as it is.

Make room or permit writing and run the same command again: it goes on with what is missing. Or
keep built things elsewhere with `--store DIR`.
""",
    ),
    Code(
        "LEGO702",
        "a file that the spec needs cannot be read",
        """
A weight file or a picture is missing, or may not be read. A plan reads all of them, since their
contents decide what must be rebuilt.

A relative path is relative to the `.lego` file in which it stands. Put the file in its place, mend
the path, or name another root: `legonet build SPEC --set root=/data`.
""",
    ),
    Code(
        "LEGO703",
        "a stored artifact is damaged",
        """
What is read from the store is checked against the digest with which it was written. This file is
not what was written: a disk error, or another program. It was set aside under the same name with
the ending `.damaged`, and the next `legonet build` makes the artifact anew from the same inputs.
""",
    ),
    Code(
        "LEGO704",
        "a stored network vanished while it was needed",
        """
The network stood in the store when the build began. Another program removed it since. Run
`legonet build` again, and let nothing else tidy the store while it runs.
""",
    ),
    Code(
        "LEGO705",
        "a frozen network was changed",
        """
Category modules, task modules and teachers are frozen: to learn an adapter must leave every bit of
them as it was. After each edge the build compares their digests with those in the store. This time
they differ, so the edge was thrown away. Nothing that was built before is affected, since networks
are always read from the store. Please report it: it is a bug in legonet.
""",
    ),
    Code(
        "LEGO706",
        "a network or an edge could not be computed",
        """
Torch gave up in the middle of this step, most often for lack of memory. The other edges are built
as far as they do not need it. Choose a smaller `size` or `batch_size`, or a device with more
memory, and run `legonet build` again.
""",
    ),
    Code(
        "LEGO707",
        "the teacher is cut elsewhere than the category",
        """
A teacher is cut behind the same module as the category, and there its features must have the
category's channels and size: its upper part then answers for exactly the features that the adapter
gets. Name the category's own network as `teacher`, or one that shares its bottom, such as a network
with `init: cat_net` and `train { frozen: "features.4", .. }`.
""",
    ),
    Code(
        "LEGO708",
        "the spec has no such edge or path",
        """
The command names an edge by its category and its task, or an application by the name of its `path`
statement. `legonet plan SPEC` lists the edges.
""",
    ),
    Code(
        "LEGO709",
        "something that is needed is not built",
        """
To answer for pictures, the networks on both sides of an edge and its adapter must be built, from
the spec as it stands now. Run `legonet build SPEC`; it makes only what is missing.
""",
    ),
    Code(
        "LEGO710",
        "there is no store",
        """
The folder does not exist. A store is the folder `.legonet` beside a spec that was built, or the one
that `legonet build --store DIR` named. `legonet store` looks for `.legonet` in the current folder;
name another one with `--store`.
""",
    ),
)
