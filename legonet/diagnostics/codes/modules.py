"""Diagnostic codes of networks, weights and cuts."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO501",
        "a model cannot be created with these arguments",
        "The constructor of the `model:` rejected its arguments, or returned something that is not "
        "a network. Arguments are passed on by name, exactly as written in the spec. Look up their "
        "names and types in the library's documentation.\n\n"
        "Arguments that load weights (`weights`, `pretrained`) are rejected: weights have a field "
        "of their own, so that legonet notices when they change.",
    ),
    Code(
        "LEGO502",
        "unknown model",
        "The library does not list a model with this name, or no installed package registers it "
        "at the entry point `legonet.models`. `torchvision.models.list_models()` and "
        "`timm.list_models()` list the models in the installed versions.",
    ),
    Code(
        "LEGO503",
        "a library is missing",
        "A model or its weights come from a library that is not installed or cannot be imported. "
        "timm and the Hugging Face Hub are optional: install them with "
        "`pip install 'legonet[timm]'` and `pip install 'legonet[hub]'`. What measures detectors "
        "comes with `pip install 'legonet[detection]'`.",
    ),
    Code(
        "LEGO504",
        "weights cannot be read",
        "The file is missing or damaged, or its format is not one that is safe to read. Weights "
        "come as a safetensors file; as a `.pth`, `.pt` or `.bin` file that holds tensors alone; "
        "as an `.index.json` of several files; or as the folder of a Hugging Face model.\n\n"
        "A file of torch's own format is a pickle, which could run any code. legonet reads it with "
        "`weights_only=True` and nothing else, so one that holds other objects, such as the "
        "arguments of its training or a whole network, is refused. Where you trust it, save its "
        "tensors alone: `torch.save(network.state_dict(), NEW_FILE)`.\n\n"
        "A `.pt2` file is a network and not weights alone: `torch.program(..)` names it after "
        "`model:`. An `.onnx` file has lost the modules at which a network is cut. Name the model "
        "that it was exported from, and a file of its weights, or export it as `.pt2`.",
    ),
    Code(
        "LEGO505",
        "weights do not fit the network",
        "Every tensor of the network must be among the weights with the same name and shape, and "
        "nothing else may be. Loading whatever happens to fit would silently leave layers with "
        "random weights. A part that all names begin with, such as `module.` or `backbone.`, makes "
        "no difference, and the counts `num_batches_tracked` may be missing. Usually the model's "
        "arguments, such as the number of outputs, differ from those that the weights were trained "
        "with.\n\n"
        "The block `loading` says how weights with other names are loaded: with a list of "
        'renamings (`rename: ["encoder.layer.* -> blocks.*"]`), in the order in which they come '
        '(`match: order`), or without some of them (`except: ["classifier.*"]`). To start from '
        "parts of another network, name it in `init` and train.",
    ),
    Code(
        "LEGO506",
        "nothing to inherit",
        "`init` copies every parameter and buffer whose name and shape are the same in both "
        "networks. Here none match, so the network would start with random weights although the "
        "spec says otherwise. Use a model of the same family with the same channels, or leave out "
        "`init`.",
    ),
    Code(
        "LEGO507",
        "unknown weights",
        "torchvision has weights with this name for some models, but not for this one. The help "
        "lists the names for this model. Other models take their weights from a file or the hub.",
    ),
    Code(
        "LEGO508",
        "weights or a model cannot be downloaded",
        "The library's download failed: there is no connection, there is no such repository, "
        "revision or file, or the downloaded file does not have the expected hash. If the computer "
        'has no connection, download the file elsewhere and name it with `weights: "FILE"`; '
        'a model of transformers with `transformers.model("FOLDER")`.',
    ),
    Code(
        "LEGO509",
        "a file holds several sets of weights",
        "A checkpoint may hold the weights of a network and their running average beside each "
        "other, and only you know which ones you want. Name the entry: "
        '`loading { entry: "model_ema" }`.',
    ),
    Code(
        "LEGO510",
        "unknown module",
        "A cut names a module by torch's own path, as listed by `network.named_modules()`: "
        "`features.4` is the fifth module of `features`. This network has no such module.",
    ),
    Code(
        "LEGO511",
        "a network cannot be cut there",
        "A cut divides a network into two modules, g(f(x)), each of which runs on its own. This "
        "works only where a single tensor crosses the cut: the output of the named module. Inside "
        "a residual block, the block's input crosses as well; inside an inception block, the other "
        "branches do. A network whose forward pass depends on the values that it sees cannot be "
        "cut at all; one that depends on the size of its picture, as a ViT that resizes a table of "
        "positions, can be cut where what comes after the cut does not.\n\n"
        "Cut at the end of a block, such as `layer1.0` of a ResNet; the message names the nearest "
        "modules where a cut works. A network may resize its answer to the size of its picture: "
        "after the cut, that size is computed from the features, times their stride.",
    ),
    Code(
        "LEGO512",
        "no task module is left",
        "The cut is after the network's last module, so nothing is left to answer the question. "
        "A task module needs at least one layer.",
    ),
    Code(
        "LEGO513",
        "a part of a network would stay random",
        "`except` leaves tensors of the network as they begin: at random. That is how a network "
        "gets a new last layer, which a recipe then trains. Without a recipe, it would answer at "
        "random. Add `train`, or choose the model's arguments so that it has no such layer.",
    ),
    Code(
        "LEGO514",
        "a file's code is not trusted",
        """
A spec runs no code by itself. `python.model(..)` names a file of Python, and `torch.program(..)`
one that torch opens with `pickle`, which can run any code. legonet opens them only if you say that
you trust them: with `--trust FILE` on the command line, with `trust=[..]` in Python, or with a line
in the `pyproject.toml` of the spec's project, which is the nearest one in the folder of the spec or
above it:

    [tool.legonet]
    trust = ["net.py"]

A file is trusted by its path, together with what it imports from its folder. What is built from it
is recorded by its contents, so that a change builds it again.
""",
    ),
    Code(
        "LEGO515",
        "the code of a model fails",
        """
`python.model(..)` runs a file of Python. The file cannot be read, is no Python, or raises an error
while it is imported or while its network is made. The message names the line.

The file may import installed packages, and files of its own folder, which count as a part of it. It
cannot import what lies above its folder.
""",
    ),
    Code(
        "LEGO516",
        "what is trusted cannot be looked up",
        """
The nearest `pyproject.toml` in the folder of the spec or above it is damaged, or its `trust` below
`[tool.legonet]` is no list of paths.
""",
    ),
    Code(
        "LEGO520",
        "a network cannot process its pictures",
        "The network fails on pictures of the size that the `data` block sets: they are too small "
        "for its poolings, or its fully connected layers were made for another size. Choose "
        "another `size`.",
    ),
    Code(
        "LEGO521",
        "no adapter can join these modules",
        "An adapter is a rescaling and a stack of convs: it changes the channels of features, and "
        "brings them into the layout and the size that the task module takes. Between tokens "
        "with a class token or registers, it works on each token alone, so its layers must be "
        "`linear()`. A direct edge has no adapter at all and needs the same channels on both "
        "sides.",
    ),
    Code(
        "LEGO522",
        "the task module expects other spatial sizes",
        "The task module fails on features of the size that its own network has for pictures of "
        "this `size`. Fully connected layers after a plain flatten, and tables of positions, "
        "accept only the size of picture that they were made for; with an adaptive pooling before "
        "them, they accept any. Use the same `size` on both sides.",
    ),
    Code(
        "LEGO523",
        "a network does not answer its question",
        "A recipe with a `category` needs one output; a recipe without one needs an output for "
        "each label (and one more with `background: true`). Classification needs one logit per "
        "output for each picture, `(N, K)`; segmentation needs one for each pixel, "
        "`(N, K, H, W)`. Change the model's `classes` or `num_classes`, or the recipe's `goal`.\n\n"
        "A network with ready weights must answer in the form of its `goal`, too. Detection needs "
        "one tensor with all boxes, `(N, 4 + K, A)`: four edges and K logits for each of A boxes. "
        "Whatever answers about places has to see the whole picture, without a `crop`.",
    ),
    Code(
        "LEGO524",
        "features without a known layout",
        "Features at a cut are maps `(N, C, H, W)`, channels-last maps `(N, H, W, C)`, tokens "
        "`(N, L, C)` or vectors `(N, C)`, where N counts pictures. legonet finds out which by "
        "running the network: height and width are equal, and grow with the picture. Here they "
        "are something else, such as windows of several pictures in one axis, or it cannot be "
        "told. Cut elsewhere, or say what they are: `layout: channels_last` in the `category` or "
        "`task` statement.",
    ),
    Code(
        "LEGO530",
        "nothing to tell apart",
        "A network learns to tell labels from each other, so the training pictures must show at "
        "least two: for a single category, pictures of it and background pictures.",
    ),
    Code(
        "LEGO531",
        "training diverged",
        "The loss became infinite or not a number, so the network is useless. Usually the learning "
        "rate is too high for the model; try a tenth of it next. Damaged pretrained weights can "
        "have the same effect.",
    ),
    Code(
        "LEGO532",
        "nothing to measure on",
        "A network is measured on the test split. The split contains no pictures, no masks "
        "although the goal is segmentation, or no pictures of the category. Check the source's "
        "split and the category's name.",
    ),
    Code(
        "LEGO533",
        "nothing left to train",
        "`frozen` keeps everything up to and including a module as it came from `init`. Here that "
        "is the whole network, or every part of it that has parameters. Freeze up to a module "
        "closer to the input, or leave out `train`.",
    ),
    Code(
        "LEGO534",
        "boxes that are not shares of the picture",
        "A detector answers `(N, 4 + K, A)`. The first four outputs of a box are its left, top, "
        "right and lower edge as shares of the picture's width and height, so that they lie "
        "between 0 and 1, or not far outside. Here most boxes are far outside, as pixels are.\n\n"
        "Divide them by the width and the height in the model's `forward`. YOLO's own boxes are "
        "the middle, the width and the height: the edges are the middle minus and plus half of "
        "these.",
    ),
)
