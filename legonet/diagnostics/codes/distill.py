"""Diagnostic codes of learning an adapter."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO601",
        "a layer has no linear surrogate",
        """\
Back-distillation compares gradients that flow back through linear surrogates of both task
modules. Surrogates are known for chains of conv, linear, ReLU, batch norm, max, average and
adaptive average pooling, flatten, upsampling, dropout and identity. A task module with another
layer, a residual block, attention or another activation, cannot be passed.

Use a method that needs no gradients of this kind: `stitching()`, `ordinary_learning()` or
`output_distillation()` with `init: stitching`. Or cut the network further up, so that the layer
belongs to the category module.""",
    ),
    Code(
        "LEGO602",
        "the outputs of task module and teacher do not fit",
        """\
The adapter learns to make the task module answer as the teacher does. That needs answers of the
same shape: one number for a category against its background, as many as there are labels, or a
map of the picture's size for segmentation.

Join networks that were made for the same question, and cut both for the same goal.""",
    ),
    Code(
        "LEGO603",
        "no grid of outputs",
        """\
`output_grid` above 1 reads fully connected layers as convs, so that a larger feature map gives a
whole grid of outputs and a larger gradient map (Experiment 2 of the paper). The task module has
to end in fully connected layers behind a flattening, with poolings that divide their maps evenly,
and the ReLU maps must not come from pictures, whose feature maps have the usual size.

Leave `output_grid` at 1, or use `relu_maps: random`.""",
    ),
    Code(
        "LEGO604",
        "a method has no pictures to learn from",
        """\
`ordinary_learning` learns from labelled pictures alone and needs `samples` above 0;
`output_distillation` needs labelled or unlabelled pictures of the category.

Raise `samples` or `unlabelled`, or use a method that works without pictures:
`back_distillation()`, `stitching()` or `transplant()`, which chooses by what there is.""",
    ),
    Code(
        "LEGO605",
        "feature maps of different size",
        """\
An adapter is made of convs of stride 1: it changes the number of channels, but keeps the height
and the width of a feature map. So the category module has to give maps of the height and width
that the task module was learned on.

Cut both networks at the same depth, behind the same number of poolings, and use pictures of one
size.""",
    ),
    Code(
        "LEGO606",
        "features or gradients that are zero or not finite",
        """\
The scales of an adapter are ratios of mean norms: of features (beta) and of gradients (alpha). A
module whose features or gradients are zero for every picture, or are not finite numbers, has no
such scale, and nothing can be learned through it. Most often its weights are broken: training
diverged, or the file belongs to another network.

Look at the network's own error first (`legonet inspect`). For pseudo-gradients a very small
`positive_share` can block every path; raise it.""",
    ),
)
