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
A command or a program names an edge by its category and its task, or an application by the name of
its `path` statement. The spec has none of that name, or no edge between the two. `legonet plan
SPEC` lists the edges.
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
    Code(
        "LEGO711",
        "a process died that was building something",
        """
On the CPU each network and edge is built in a process of its own, several at once. This one ended
before its work did. The usual cause is memory: the system kills a process when there is none left.
A library that crashes does the same. What the process was building fails, and the others go on.

Build fewer things at once (`--jobs 1`), or set `--memory`, and run the same command again: training
goes on from its last checkpoint.
""",
    ),
    Code(
        "LEGO713",
        "an edge was not built because of something that it needs",
        """
An edge needs its category's network, its task's network and its teacher. One of them failed or was
stopped, for the reason that was told of it. Mend that, and connect the edge again.
""",
    ),
    Code(
        "LEGO725",
        "a remote store cannot be used",
        """
The file system behind `--store URL` did not answer, or answered with an error, also when it was
asked again. What was built so far is kept in `.legonet` beside the spec, which mirrors the remote
store, and in the remote store itself as far as it got there.

Check the address, the network and the credentials (`aws s3 ls s3://bucket`, for instance), and run
the same command again: it goes on with what is missing.
""",
    ),
    Code(
        "LEGO726",
        "a package for a remote store is missing",
        """
Remote stores are reached through fsspec, which needs a package for each kind of file system.
`pip install 'legonet[remote]'` brings fsspec and the one for `s3://`. Others have their own, such
as `gcsfs` for `gs://` and `adlfs` for `abfs://`. A store on a disk that all machines mount needs
none: name its folder.
""",
    ),
    Code(
        "LEGO727",
        "a ledger cannot be read, so nothing was removed",
        """
Each spec has a ledger in the store, which says what the spec needs. `legonet store gc` removes what
no ledger names, and so it removes nothing as long as one of them cannot be read as a whole.

Mend the file or the rights to it. Or remove it and run `legonet build` for every spec that shares
the store: what is built already is entered again, and `legonet store gc` can do its work.
""",
    ),
    Code(
        "LEGO730",
        "a path answers otherwise than before",
        """
After each build every path that stands answers for the same few pictures of noise, and a digest of
the answer is compared with the first one that was recorded, in the store's `probes.jsonl`. To build
an edge must change no other, to the bit. This path was built before, from the same inputs, and
answers otherwise now, in the same version of torch and on the same kind of device.

Where a network or an adapter on the path was replaced, the help says which one: remove its file
from the store and run `legonet build`, which makes it again. Where all of them are what they were,
what computes them is not: a library or a driver beneath torch was exchanged, or the computer's
memory fails. If the change was meant, remove `probes.jsonl`, and the next build records anew.
""",
    ),
    Code(
        "LEGO731",
        "a frozen module is not what it was",
        """
Networks and adapters are frozen once they are built: whatever is built later leaves every bit of
them as it was. The digest of this one differs from the first one that was recorded, in the store's
`probes.jsonl`. Its file is whole, so it was replaced: by another program, or by a copy from another
store.

Remove the file that the help names and run `legonet build`, which makes it again from the same
inputs. If you put it there on purpose, remove `probes.jsonl`, and the next build records anew.
""",
    ),
    Code(
        "LEGO732",
        "what paths answer is not on record",
        """
What every path answers is compared with what stands in the store's `probes.jsonl`, and what is new
is added to it. The file can be read or written no more, so this build compared or recorded nothing,
or only a part. What it built is kept. Make room or permit writing, and run `legonet build --prove`.
""",
    ),
    Code(
        "LEGO733",
        "a path gives no answer",
        """
After a build every path that stands answers for a few pictures, to prove that nothing changed. On
this path torch gave up, most often for lack of memory on the device. What is built is kept. Name
another device, such as `--device cpu`, and run `legonet build --prove`.
""",
    ),
    Code(
        "LEGO740",
        "a Ray cluster cannot be used",
        """
`legonet build --executor ray` fills its orders on a Ray cluster that exists already: the one at
`--address`, or else the one of which this machine is a part. Nothing answered there, or Ray is not
installed here, or its version or Python's is another one than the cluster's, or no node is large
enough for a single order.

Install Ray on all machines with `pip install 'legonet[ray]'`, start the head with
`ray start --head`, and let other machines join with `ray start --address=HEAD:6379`. `ray status`
shows what the cluster has. An order takes as many CPUs as torch has threads, two unless the
environment variable `OMP_NUM_THREADS` says otherwise.
""",
    ),
    Code(
        "LEGO741",
        "an order could not be finished on the cluster",
        """
What fills an order on a cluster can die: its node is switched off, or the system ends its process
when memory runs out. The order is then begun again on another node, from its last checkpoint, three
times in all. Here that did not help, and so the order itself may be the reason. The other edges are
built as far as they do not need it.

Build fewer things at once with `--jobs`, or add nodes with more memory, and run `legonet build`
again. If the process did not even start, the node lacks legonet or a package that the spec needs,
or has another version of it.
""",
    ),
    Code(
        "LEGO742",
        "the Ray cluster is lost",
        """
The head of the cluster did not answer for a while: it was stopped, or the network between is
broken. What was finished is kept in the store, and so are checkpoints. Start the cluster again and
run the same command: it goes on from there. Without `--executor ray` it goes on on this machine.
""",
    ),
    Code(
        "LEGO743",
        "a node does not see the store",
        """
All nodes of a cluster read networks from the store and put into it what they build. This node has
another folder under the store's path, or none, so that whatever it built would be lost.

Name a store that all of them reach: a URL such as `--store s3://BUCKET/FOLDER` with
`pip install 'legonet[ray]'`, or a folder that is mounted under the same path on every machine.
""",
    ),
    Code(
        "LEGO744",
        "a node of the cluster sees other files",
        """
Pictures and weight files are read by the node that fills an order, under the path that they have on
the machine that started the build. Their contents decide what comes out, so the node compares them
with those that the plan was made for. They differ there, or are missing.

Copy the files to the same path on every node, or mount a shared folder there; name another root
with `--set root=/shared/data`. If it is the version of legonet that differs, install the same one
everywhere.
""",
    ),
)
