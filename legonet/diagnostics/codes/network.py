"""Diagnostic codes of prediction and export."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO745",
        "there is no such device",
        """
Torch cannot compute there: this machine has no such GPU, its driver is missing or too old for this
version of torch, or torch was installed without support for it. `python -c "import torch;
print(torch.cuda.device_count())"` says how many GPUs torch sees. Name `cpu`, or one of those.
""",
    ),
    Code(
        "LEGO746",
        "pictures are given in another form",
        """
A network takes a batch of pictures: a float32 tensor `(N, 3, H, W)`, red, green and blue,
normalised as torchvision's weights expect. `legonet.data.to_tensor(images)` makes one of an array
`(N, H, W, 3)`, uint8, as most libraries read pictures. Or leave all of that to `net.predict(..)`,
which takes files, PIL pictures and arrays.
""",
    ),
    Code(
        "LEGO747",
        "a path cannot answer for pictures of this size",
        """
A path is learned on pictures of one size, the `size` of its data. Many networks take others, within
limits: a picture can be too small for the poolings of a network, fully connected layers may fix the
size, and a network that answers for each pixel needs height and width to be multiples of its
stride. Otherwise its answer would belong to other pixels.

Resize the pictures to the size that the help names, or let `net.predict(..)` or `legonet predict`
do it, which also bring masks back to the size of the picture.
""",
    ),
    Code(
        "LEGO748",
        "there is too little memory to answer",
        """
Torch got no memory for this many pictures of this size on this device. Give fewer at once, or
smaller ones, or compute elsewhere: `net.to("cpu")`. `net.unload()` gives back what other paths
have loaded.
""",
    ),
    Code(
        "LEGO749",
        "there are no pictures",
        """
A folder holds no file, in it or below it, whose name ends as a picture's does, such as `.jpg` or
`.png`; or no file matches a pattern. A pattern in quotes is matched by legonet, with `**` for any
folders, and one without quotes by the shell.
""",
    ),
    Code(
        "LEGO750",
        "this is no picture",
        """
`net.predict(..)` takes files, folders and patterns as text, PIL pictures, and arrays of 8-bit
pixels: `(H, W)` for grey and `(H, W, 3)` for red, green and blue, or several of them in a list.
Which part of the range of other numbers matters is not for legonet to guess. Tensors go to
`net(pictures, category=.., task=..)`, as they are.
""",
    ),
    Code(
        "LEGO760",
        "unknown format of an export",
        """
The ending of the file says as what an application is exported: `.pt2` as a program of
`torch.export`, `.onnx` as an ONNX model, `.safetensors` as a bundle, whose second file ends in
`.json`. `--format program` and `--format onnx` allow any ending; the two files of a bundle find
each other by theirs.
""",
    ),
    Code(
        "LEGO761",
        "a package for ONNX is missing",
        """
Torch writes ONNX with the packages onnx and onnxscript. `pip install 'legonet[export]'` brings
them, and onnxruntime, with which each model is compared with the network before it is written.
Programs (`.pt2`) and bundles (`.safetensors`) need none of them.
""",
    ),
    Code(
        "LEGO762",
        "an export cannot be written",
        """
The folder is missing or may not be written to, or its disk is full. What is exported is written
beside its place and then moved, the two files of a bundle together, so that whatever stood there
before is untouched. Make the folder or room in it, or write somewhere else.
""",
    ),
    Code(
        "LEGO763",
        "a network cannot be expressed in this format",
        """
`.pt2` and `.onnx` hold the computation itself, which torch writes down while it runs the network
once. It cannot do so where the network decides by the values that it sees, or fixes the number of
pictures; and ONNX lacks some of torch's operators, and has files of at most 2 GiB.

Use another format. A bundle (`.safetensors`) holds weights and the names of models, and takes every
network; `legonet.open_bundle` opens it.
""",
    ),
    Code(
        "LEGO764",
        "an exported application answers otherwise than the network",
        """
What would be written is first loaded, as its user will, and asked about pictures of noise in
batches of several sizes, with `--dynamic-size` also of other heights and widths. A bundle has to
answer with the same bits as the network, the other formats up to 1e-4. This one does not, so
nothing was written.

The converter to blame is torch's, or onnxruntime's: export without `--dynamic-size`, use another
format, or try a newer version of torch.
""",
    ),
    Code(
        "LEGO765",
        "a network takes pictures of one size only",
        """
`--dynamic-size` leaves the height and width of the pictures open. Fully connected layers behind a
feature map without an adaptive pooling between fix them, as do layers that reshape to sizes written
as numbers. Export it without `--dynamic-size`: the batch is open all the same.
""",
    ),
    Code(
        "LEGO767",
        "a bundle would replace a file that is none of its own",
        """
A bundle is a pair, `NAME.safetensors` and `NAME.json`. A file with the second name is there already
and was not written as a bundle, so it stays and nothing was written. Give the bundle another name,
or move the file away.
""",
    ),
    Code(
        "LEGO770",
        "a file is no bundle",
        """
`legonet.open_bundle` opens the pair of files that `legonet export SPEC -o NAME.safetensors` wrote,
by the name of either. The JSON file says which models the parts come from and where they are cut,
the safetensors file holds their weights. One of the two is missing, or something else stands there.
""",
    ),
    Code(
        "LEGO771",
        "a bundle of another version",
        """
The format of bundles has a version, and this one is none that the installed legonet knows. Open it
with the version of legonet that wrote it, which stands in its JSON file under
`application.legonet`, or export the application again.
""",
    ),
    Code(
        "LEGO772",
        "a bundle is damaged",
        """
The JSON file holds a digest of its own text and one of the weights of each part. They do not match:
a file was changed or not copied as a whole, or the two come from different exports. Copy both files
again, or export the application again.
""",
    ),
    Code(
        "LEGO773",
        "a bundle does not fit the networks of the installed libraries",
        """
A bundle names its models, such as `torchvision.resnet18`, and the installed library rebuilds them.
What it makes has tensors of other names or shapes than those in the bundle: the library's version
is another one. Install the version with which it was exported, or export the application again; a
program (`.pt2`) or an ONNX model depends on no library of models.
""",
    ),
)
