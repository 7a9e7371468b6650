"""Diagnostic codes of prediction and export."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO745",
        "there is no such device",
        """
Torch cannot use this device: this machine has no such GPU, its driver is missing or too old for
this version of torch, or torch was installed without support for it.
`python -c "import torch; print(torch.cuda.device_count())"` prints how many GPUs torch sees. Name
one of those, or `cpu`.
""",
    ),
    Code(
        "LEGO746",
        "pictures are in the wrong format",
        """
A network takes a batch of pictures: a float32 tensor `(N, 3, H, W)`, red, green and blue,
normalised as torchvision's weights expect. `legonet.data.to_tensor(images)` creates one from a
uint8 array `(N, H, W, 3)`, the format in which most libraries load pictures. Or leave all of that
to `net.predict(..)`, which takes files, PIL pictures and arrays.
""",
    ),
    Code(
        "LEGO747",
        "a path cannot answer for pictures of this size",
        """
A path is learned on pictures of one size, the `size` of its data. Many networks accept other sizes,
within limits: a picture can be too small for the poolings of a network, fully connected layers may
fix the size, and a network that answers for each pixel needs a height and width that are multiples
of its stride. Otherwise its answers would belong to other pixels.

Resize the pictures to the size that the help names, or let `net.predict(..)` or `legonet predict`
do it; they also resize masks back to the size of the picture.
""",
    ),
    Code(
        "LEGO748",
        "there is not enough memory for a prediction",
        """
Torch could not allocate memory for this many pictures of this size on this device. Pass fewer
pictures at once, or smaller ones, or use another device: `net.to("cpu")`. `net.unload()` frees the
memory that other paths use.
""",
    ),
    Code(
        "LEGO749",
        "there are no pictures",
        """
A folder contains no file, directly or in its subfolders, with the file extension of a picture, such
as `.jpg` or `.png`; or no file matches a pattern. A pattern in quotes is matched by legonet, with
`**` for any folders, and one without quotes by the shell.
""",
    ),
    Code(
        "LEGO750",
        "this is not a picture",
        """
`net.predict(..)` takes files, folders and patterns as strings, PIL pictures, and arrays of 8-bit
pixels: `(H, W)` for grey and `(H, W, 3)` for red, green and blue, or a list of any of these. For
other types of numbers, legonet does not guess which part of their range matters. Pass tensors to
`net(pictures, category=.., task=..)`, which uses them as they are.
""",
    ),
    Code(
        "LEGO760",
        "unknown export format",
        """
The file's extension determines the format in which an application is exported: `.pt2` for a
`torch.export` program, `.onnx` for an ONNX model, `.safetensors` for a bundle, whose second file
ends in `.json`. `--format program` and `--format onnx` allow any extension; the two files of a
bundle find each other by theirs.
""",
    ),
    Code(
        "LEGO761",
        "a package for ONNX is missing",
        """
Torch writes ONNX with the packages onnx and onnxscript. `pip install 'legonet[export]'` installs
them, along with onnxruntime, which is used to compare each model with the network before it is
written. Programs (`.pt2`) and bundles (`.safetensors`) need none of these packages.
""",
    ),
    Code(
        "LEGO762",
        "an export cannot be written",
        """
The folder is missing or not writable, or its disk is full. Exports are written next to their
destination and then moved into place, the two files of a bundle together, so whatever was there
before is untouched. Create the folder, free some space, or write somewhere else.
""",
    ),
    Code(
        "LEGO763",
        "a network cannot be expressed in this format",
        """
`.pt2` and `.onnx` contain the computation itself, which torch records while it runs the network
once. This does not work if the network's control flow depends on the values that it sees, or if it
fixes the number of pictures. In addition, ONNX lacks some of torch's operators, and its files are
limited to 2 GiB.

Use another format. A bundle (`.safetensors`) contains weights and the names of models, and works
for every network; `legonet.open_bundle` opens it.
""",
    ),
    Code(
        "LEGO764",
        "an exported application gives other answers than the network",
        """
Before an export is written, it is loaded as its users will load it, and applied to pictures of
noise in batches of several sizes; with `--dynamic-size`, also to other heights and widths. The
answers of a bundle must equal the network's bit for bit, and those of the other formats to within
1e-4. This one's do not, so nothing was written.

The cause is torch's converter, or onnxruntime: export without `--dynamic-size`, use another format,
or try a newer version of torch.
""",
    ),
    Code(
        "LEGO765",
        "a network takes pictures of one size only",
        """
`--dynamic-size` leaves the height and width of the pictures open. They are fixed by fully connected
layers that follow a feature map without an adaptive pooling in between, and by layers that reshape
to hard-coded sizes. Export without `--dynamic-size`: the batch size stays open in any case.
""",
    ),
    Code(
        "LEGO766",
        "a path that cannot be exported as it is",
        """\
A file has one application in it, with one answer. A path that leads to several tasks has an answer
for each: write a path to each of the tasks, and export these.

A joint path, of several categories, is exported as a program of torch.export or as an ONNX model,
all of it in one file. A bundle holds the two halves of a single edge, and so cannot express it.
""",
    ),
    Code(
        "LEGO767",
        "a bundle would replace a file that does not belong to it",
        """
A bundle is a pair of files, `NAME.safetensors` and `NAME.json`. A file with the second name already
exists and was not written as part of a bundle, so it was kept and nothing was written. Give the
bundle another name, or move the file away.
""",
    ),
    Code(
        "LEGO770",
        "a file is not a bundle",
        """
`legonet.open_bundle` opens the pair of files that `legonet export SPEC -o NAME.safetensors` writes,
given the name of either. The JSON file says which models the parts come from and where they are
cut; the safetensors file contains their weights. One of the two is missing, or is something else.
""",
    ),
    Code(
        "LEGO771",
        "a bundle of another version",
        """
The bundle format has a version, and the installed legonet does not know this one. Open the bundle
with the version of legonet that wrote it, which its JSON file records under `application.legonet`,
or export the application again.
""",
    ),
    Code(
        "LEGO772",
        "a bundle is damaged",
        """
The JSON file contains a digest of its own text and one of each part's weights. They do not match: a
file was changed or not copied completely, or the two come from different exports. Copy both files
again, or export the application again.
""",
    ),
    Code(
        "LEGO773",
        "a bundle does not fit the networks of the installed libraries",
        """
A bundle names its models, such as `torchvision.resnet18`, and the installed library recreates them.
The names or shapes of the resulting tensors differ from those in the bundle, because the library's
version is different. Install the version with which the bundle was exported, or export the
application again; a program (`.pt2`) or an ONNX model does not depend on a model library.
""",
    ),
    Code(
        "LEGO774",
        "a bundle cannot hold this model",
        """
A bundle holds tensors, and says which model of a library they belong to. A network that comes from
a file of code has no such model. Export a program (`.pt2`) or an ONNX model (`.onnx`), which need
no other file.
""",
    ),
)
