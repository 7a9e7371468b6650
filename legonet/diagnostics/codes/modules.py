"""Diagnostic codes of networks, weights and cuts."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO501",
        "a model cannot be made with these arguments",
        "The constructor behind `model:` refused its arguments, or returned something that is no "
        "network. Arguments are handed on as they stand in the spec, by name. Look up the names "
        "and types in the library's documentation.\n\n"
        "Arguments that load weights (`weights`, `pretrained`) are refused: weights stand in a "
        "field of their own, so that an edge can be keyed on them.",
    ),
    Code(
        "LEGO502",
        "unknown model",
        "The library does not list a model of this name, or no installed package registers it at "
        "the entry point `legonet.models`. `torchvision.models.list_models()` and "
        "`timm.list_models()` list what there is in the installed versions.",
    ),
    Code(
        "LEGO503",
        "a library is missing",
        "A model or its weights come from a library that is not installed or cannot be imported. "
        "timm and the Hugging Face hub are optional: install them with "
        "`pip install 'legonet[timm]'` and `pip install 'legonet[hub]'`.",
    ),
    Code(
        "LEGO504",
        "weights cannot be read",
        "The file is missing, damaged, or not in the safetensors format. A `.pth` file is a "
        "pickle, which could run any code when it is read; convert it once with "
        "`safetensors.torch.save_file(torch.load(FILE, weights_only=True), NEW_FILE)`.",
    ),
    Code(
        "LEGO505",
        "weights do not fit the network",
        "Weights are loaded strictly: every tensor of the network must be in the file with the "
        "same name and shape, and nothing else may be. Loading what happens to fit would leave "
        "layers at their random start without a word. Mostly the model's arguments differ from "
        "those that the weights were trained with, such as the number of outputs.\n\n"
        "To start from parts of another network, name it in `init` and train.",
    ),
    Code(
        "LEGO506",
        "nothing to inherit",
        "`init` copies every parameter and buffer whose name and shape are the same in both "
        "networks. Here none is, so the network would start at random while the spec says "
        "otherwise. Use a model of the same family with the same channels, or leave out `init`.",
    ),
    Code(
        "LEGO507",
        "unknown weights",
        "torchvision has weights under this name for some models, but not for this one. The help "
        "lists the names that it has. Other models take their weights from a file or a hub.",
    ),
    Code(
        "LEGO508",
        "weights cannot be fetched",
        "The library's download failed: there is no connection, no such repository, revision or "
        "file, or what came does not have the expected hash. Where a computer has no connection, "
        'fetch the file elsewhere and name it with `weights: "FILE"`.',
    ),
    Code(
        "LEGO510",
        "unknown module",
        "A cut names a module by torch's own path, as `network.named_modules()` lists them: "
        "`features.4` is the fifth module of `features`. This network has no such module.",
    ),
    Code(
        "LEGO511",
        "a network cannot be cut there",
        "A cut makes two modules of a network, g(f(x)), each of which runs on its own. This works "
        "where one tensor alone crosses it: the output of the module that is named. Inside of a "
        "residual block its input crosses as well, inside of an inception block the other "
        "branches do. A network whose forward pass depends on the values that it sees cannot be "
        "cut at all.\n\n"
        "Cut at the end of a block, such as `layer1.0` of a ResNet; the message names the nearest "
        "modules where it works. A network may bring its answer to the size of its picture: "
        "behind the cut that size is taken from the features, times their stride.",
    ),
    Code(
        "LEGO512",
        "no task module is left",
        "The cut lies behind the network's last module, so that nothing answers the question. "
        "A task module needs at least one layer.",
    ),
    Code(
        "LEGO520",
        "a network cannot take its pictures",
        "The network fails on pictures of the size that the `data` block gives: they are smaller "
        "than its poolings need, or its fully connected layers were made for another size. "
        "Choose another `size`.",
    ),
    Code(
        "LEGO521",
        "no adapter can join these modules",
        "An adapter is a re-scaling and a stack of convs: it turns a feature map of `(C, H, W)` "
        "into one with other channels. It cannot join vectors, so that both cuts must lie in "
        "front of the layer that flattens. A direct edge has no adapter at all and needs the same "
        "channels on both sides.",
    ),
    Code(
        "LEGO522",
        "the task module expects other spatial sizes",
        "An adapter keeps the height and width of a feature map, so the task module must take "
        "maps of the size that the category module gives. Fully connected layers behind a plain "
        "flatten take one size only; an adaptive pooling in front of them takes any. Cut both "
        "networks at the same stride and use the same `size` on both sides.",
    ),
    Code(
        "LEGO523",
        "a network does not answer its recipe's question",
        "A recipe with a `category` needs one output, without it one for each label (and one more "
        "with `background: true`). Classification needs one logit for each picture, `(N, K)`; "
        "segmentation one for each pixel, `(N, K, H, W)`. Change the model's `classes` or "
        "`num_classes`, or the recipe's `goal`.",
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
        "The loss became infinite or not a number, so that the network holds nothing of use. "
        "Mostly the learning rate is too large for the model; a tenth of it is a good next try. "
        "Ready weights that are damaged do the same.",
    ),
    Code(
        "LEGO532",
        "nothing to measure on",
        "A network is measured on the test split. It holds no pictures, no masks where the goal is "
        "segmentation, or no pictures of the category. Check the source's split and the "
        "category's name.",
    ),
    Code(
        "LEGO533",
        "nothing left to train",
        "`frozen` keeps everything up to and with a module as it came from `init`. Here that is "
        "the whole network, or all of it that has parameters. Freeze up to a module nearer to the "
        "input, or leave out `train`.",
    ),
)
