"""Diagnostic codes of building and the store."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO701",
        "a file cannot be written",
        """
The disk is full, or the folder is read-only or not a folder. Files are written next to their
destination and then moved into place, so nothing half-written is ever left behind, and whatever was
built before stays as it is.

Free some space or allow writing, and run the same command again: it continues with what is missing.
Or keep the results elsewhere with `--store DIR`.
""",
    ),
    Code(
        "LEGO702",
        "a file that the spec needs cannot be read",
        """
A weight file or a picture is missing, or cannot be read. A plan reads all of them, since their
contents decide what must be rebuilt.

A relative path is relative to the `.lego` file that contains it. Put the file in place, correct the
path, or name another root: `legonet build SPEC --set root=/data`.
""",
    ),
    Code(
        "LEGO703",
        "a stored artifact is damaged",
        """
Everything that is read from the store is checked against the digest recorded when it was written.
This file is not what was written: the disk has an error, or another program changed it. The file
was set aside under the same name with the suffix `.damaged`, and the next `legonet build` rebuilds
the artifact from the same inputs.
""",
    ),
    Code(
        "LEGO704",
        "a stored network disappeared while it was needed",
        """
The network was in the store when the build began, and another program has removed it since. Run
`legonet build` again, and do not let anything else clean up the store while it runs.
""",
    ),
    Code(
        "LEGO705",
        "a frozen network was changed",
        """
Category modules, task modules and teachers are frozen: learning an adapter must leave every bit of
them as it was. After each edge, the build compares their digests with those in the store. This time
they differ, so the edge was discarded. Nothing that was built before is affected, since networks
are always read from the store. This is a bug in legonet; please report it.
""",
    ),
    Code(
        "LEGO706",
        "a network or an edge could not be computed",
        """
Torch failed in the middle of this step, most often because it ran out of memory. All other edges
that do not depend on it are built. Choose a smaller `size` or `batch_size`, or a device with more
memory, and run `legonet build` again.
""",
    ),
    Code(
        "LEGO707",
        "the teacher's features do not match the category's",
        """
A teacher is cut after the same module as the category, and its features there must have the
category's channels and size: its upper part then answers for exactly the features that the adapter
receives. Name the category's own network as `teacher`, or one that shares its bottom, such as a
network with `init: cat_net` and `train { frozen: "features.4", .. }`.
""",
    ),
    Code(
        "LEGO708",
        "the spec has no such network, edge or path",
        """
A command or a program names a network, an edge by its category and its task, or an application by
the name of its `path` statement. The spec has no network or path with that name, or no edge between
the two. `legonet plan SPEC` lists the edges.
""",
    ),
    Code(
        "LEGO709",
        "something that is needed is not built",
        """
To make predictions for pictures, the networks on both sides of an edge and its adapter must be
built from the spec in its current form. Run `legonet build SPEC`; it builds only what is missing.
""",
    ),
    Code(
        "LEGO710",
        "there is no store",
        """
The folder does not exist. A store is the folder `.legonet` next to a spec that was built, or the
folder given to `legonet build --store DIR`. `legonet store` looks for `.legonet` in the current
folder; name another one with `--store`.
""",
    ),
    Code(
        "LEGO711",
        "a build process died",
        """
On the CPU, each network and edge is built in its own process, several at a time. This process ended
before its work was done. The usual cause is memory: the system kills a process when there is none
left. A crash in a library has the same effect. What the process was building fails, and the other
processes continue.

Build fewer things at once (`--jobs 1`), or set `--memory`, and run the same command again: training
resumes from its last checkpoint.
""",
    ),
    Code(
        "LEGO712",
        "the code of a model changed while legonet was running",
        """
A network is rebuilt when the code of its model changes, so the files of the package that the model
comes from are part of its content key. This process loaded the code before it changed, and would
build the old network under the name of the new one. Start legonet again: a new process loads the
code as it is now.
""",
    ),
    Code(
        "LEGO713",
        "an edge was not built because of something that it needs",
        """
An edge needs its category's network, its task's network and its teacher. One of them failed or was
stopped, for the reason reported for it. Fix that, and connect the edge again.
""",
    ),
    Code(
        "LEGO725",
        "a remote store cannot be used",
        """
The file system at `--store URL` did not respond, or responded with an error, even after retries.
What has been built so far is kept in `.legonet` next to the spec, which mirrors the remote store,
and in the remote store itself as far as it was uploaded.

Check the address, the network and the credentials (with `aws s3 ls s3://bucket`, for instance), and
run the same command again: it continues with what is missing.
""",
    ),
    Code(
        "LEGO726",
        "a package for a remote store is missing",
        """
Remote stores are accessed through fsspec, which needs a package for each kind of file system.
`pip install 'legonet[remote]'` installs fsspec and the package for `s3://`. Other file systems have
their own packages, such as `gcsfs` for `gs://` and `adlfs` for `abfs://`. A store on a disk that
all machines mount needs no package: name its folder.
""",
    ),
    Code(
        "LEGO727",
        "what specs need cannot be read, so nothing was removed",
        """
The index of the store, `index.sqlite`, says what each spec needs. `legonet store gc` removes
everything that no spec needs, so it removes nothing as long as the index cannot be read, or as long
as there are records that it does not have: those of a damaged index that was set aside, or the
folder `ledgers` of an older version of legonet.

Run `legonet build` for every spec that shares the store: everything that is already built is
recorded again. Then remove the file that the message names, and `legonet store gc` can do its work.

With `--forget-missing`, what specs need whose files are missing is removed, unless another spec
would reuse it. A spec that cannot be planned does not say what it would reuse, so it has to be
corrected first, or moved elsewhere.
""",
    ),
    Code(
        "LEGO729",
        "a database of the store is damaged",
        """
`index.sqlite` or `answers.sqlite` is not what legonet wrote: the disk has an error, another program
changed the file, or another version of legonet uses other tables. Everything that is built is kept.

A damaged `index.sqlite` is set aside as `index.sqlite.damaged`, and a new one is begun. It knows no
earlier builds, so plans cannot say what changed since, nor how long steps take. `legonet store gc`
removes nothing until every spec that shares the store has been built again, which takes no time if
nothing changed, and the file that was set aside has been removed.

A damaged `answers.sqlite` stays where it is, because it is what proves that nothing has changed.
Restore it from a copy, or remove it: the next build then records all answers again.
""",
    ),
    Code(
        "LEGO730",
        "a path gives other answers than before",
        """
After each build, every path that is built answers for the same few pictures of noise, and a digest
of the answer is compared with the first one that was recorded in the store's `answers.sqlite`.
Building an edge must not change any other by a single bit. This path was built before, from the
same inputs, and now gives other answers, with the same version of torch and on the same kind of
device.

If a network or an adapter on the path was replaced, the help says which one: remove its file from
the store and run `legonet build`, which rebuilds it. If all of them are unchanged, what computes
them has changed: a library or a driver that torch uses was replaced, or the computer's memory is
faulty. If the change was intended, remove `answers.sqlite`, and the next build records the answers
again.
""",
    ),
    Code(
        "LEGO731",
        "a frozen module has changed",
        """
Networks and adapters are frozen once they are built: whatever is built later leaves every bit of
them as it was. The digest of this one differs from the first one that was recorded in the store's
`answers.sqlite`. Its file is intact, so it was replaced: by another program, or by a copy from
another store.

Remove the file that the help names and run `legonet build`, which rebuilds it from the same inputs.
If you put it there on purpose, remove `answers.sqlite`, and the next build records the digests
again.
""",
    ),
    Code(
        "LEGO732",
        "the answers of paths could not be recorded",
        """
The answers of every path are compared with those in the store's `answers.sqlite`, and new ones are
added to it. The file can no longer be read or written, so this build compared or recorded nothing,
or only a part. What it built is kept. Free some space or allow writing, and run
`legonet build --prove`.
""",
    ),
    Code(
        "LEGO733",
        "a path gives no answer",
        """
After a build, every path that is built answers for a few pictures, to prove that nothing changed.
On this path torch failed, most often because the device ran out of memory. Everything that was
built is kept. Name another device, such as `--device cpu`, and run `legonet build --prove`.
""",
    ),
    Code(
        "LEGO734",
        "a file of the store cannot be locked",
        """
`index.sqlite` and `answers.sqlite` are SQLite databases, which several builds may change at once,
each of them for a few milliseconds. This one could not be locked for half a minute. Either another
process holds it, such as a program that shows databases, or the store is on a file system that
cannot lock files, as some network file systems cannot.

Close the other program and run the same command again. Or keep the store on another file system:
`legonet build SPEC --store DIR`.
""",
    ),
    Code(
        "LEGO740",
        "an executor cannot be used",
        """
`legonet build --executor NAME` says what runs the jobs. There is no executor of this name, or it
needs a package that is not installed, or the package that registers it cannot be imported.

`--executor ray` runs jobs on an existing Ray cluster: the one at `--address`, or else the one that
this machine is part of. Nothing responded there, or the versions of Ray or Python differ from the
cluster's, or no node is large enough for a single job.

Install Ray on all machines with `pip install 'legonet[ray]'`, start the head with
`ray start --head`, and let other machines join with `ray start --address=HEAD:6379`. `ray status`
shows what the cluster has. A job takes as many CPUs as torch has threads: two by default, or the
number in the environment variable `OMP_NUM_THREADS`.
""",
    ),
    Code(
        "LEGO741",
        "a job could not be finished on the cluster",
        """
The process that runs a job on a cluster can die: its node is switched off, or the system kills it
when memory runs out. The job is then started again on another node, from its last checkpoint, up to
three times in total. That did not help here, so the job itself may be the cause. All other edges
that do not depend on it are built.

Build fewer things at once with `--jobs`, or add nodes with more memory, and run `legonet build`
again. If the process did not even start, the node lacks legonet or a package that the spec needs,
or has another version of it.
""",
    ),
    Code(
        "LEGO742",
        "the Ray cluster is lost",
        """
The head of the cluster did not respond for a while: it was stopped, or the network connection to it
is broken. Finished work and checkpoints are kept in the store. Start the cluster again and run the
same command: it continues from there. Without `--executor ray`, it continues on this machine.
""",
    ),
    Code(
        "LEGO743",
        "a node does not see the store",
        """
All nodes of a cluster read networks from the store and put what they build into it. On this node,
the store's path leads to another folder, or to none, so whatever it built would be lost.

Name a store that all of them can reach: a URL such as `--store s3://BUCKET/FOLDER` with
`pip install 'legonet[ray]'`, or a folder that is mounted at the same path on every machine.
""",
    ),
    Code(
        "LEGO744",
        "a node of the cluster sees other files",
        """
Pictures and weight files are read by the node that runs a job, at the path that they have on the
machine that started the build. Their contents decide the result, so the node compares them with
those that the plan was made for. On this node they differ, or are missing.

Copy the files to the same path on every node, or mount a shared folder there; name another root
with `--set root=/shared/data`. If the version of legonet differs, install the same one everywhere.
""",
    ),
)
