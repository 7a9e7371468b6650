"""Diagnostic codes of learning an adapter."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO601",
        "a layer has no linear surrogate",
        """\
Back-distillation compares gradients that flow back through linear surrogates of both task
modules. A surrogate is known for what is affine in evaluation (convs of any stride, dilation and
grouping, transposed convs, linear, batch norm, average pools, upsampling, flatten, sums,
concatenation, products with constants), for ReLU, ReLU6, LeakyReLU and PReLU, for max-pools and
for dropout. Residual, dense and inception blocks are made of these. A ReLU6 is blocked below 0 and
above 6; in which of the two ways does not matter to a gradient, so that a map of ones and zeros
describes it as it does a ReLU. Sigmoid, softmax and hard-swish have no such map, attention and
layer norm multiply or divide features by each other, and a forward pass that depends on the
values that it sees is a different one for each picture: these cannot be passed.

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
    Code(
        "LEGO610",
        "partner ReLUs that cannot share a map",
        """\
Back-distillation replaces the i-th ReLU of the task module and the i-th of the teacher with one
map of ones and zeros, the same on both sides. By unit that needs feature maps of one shape. Here
the two networks have other numbers of channels or other sizes.

`channel_shared: true` draws one map over height and width, repeats it along the channels, and
resizes it where the sizes differ. Maps of the teacher (`relu_maps: teacher`) are by unit always.
Where a feature map and a vector are partners nothing can be shared: give maps to the lowest ReLU
alone (`relu_places: lowest`) or to none, or use `stitching()`.""",
    ),
    Code(
        "LEGO620",
        "pseudo-gradients that are zero",
        """\
Back-distillation matches the gradients that flow back through the task module and through the
teacher, behind maps of ones and zeros in place of their ReLUs. Here nothing arrives at the input
of one of the two for any pair: the maps block every path, or a layer has no weights but zeros.
There is nothing to match then, and no scale alpha.

Draw with a larger `positive_share`, or with `relu_places: lowest`. If that does not help, look at
the network's own error (`legonet inspect`): its weights may belong to another network.""",
    ),
    Code(
        "LEGO621",
        "pseudo-gradients that are not finite",
        """\
A pseudo-gradient of the task module or of the teacher is infinite or not a number. Pseudo-gradients
pass linear layers only, so that the numbers come from the network's weights: training diverged, or
the file is damaged or was written in a format with too small a range.

Look at the network's own error (`legonet inspect`), and train it again or load other weights.""",
    ),
    Code(
        "LEGO622",
        "pseudo-gradients that do not determine an adapter",
        """\
The best adapter for the distillation loss solves a system of linear equations, as many as its
kernel has inputs. Here these equations are singular: some direction of the task module's features
is never moved by a pseudo-gradient, so that any weight would do for it. Adapters with large
kernels, few pairs, and maps that are all alike lead there.

Raise `pairs`, or give the maps more variety with `relu_places: all` and `channel_shared: false`.
Or begin with `init: stitching`, which needs no gradients.""",
    ),
    Code(
        "LEGO630",
        "the training of an adapter failed",
        """\
The loss of an adapter, its gradient or its loss on held-out pictures is no finite number any
longer. What would come of it means nothing, so that the edge is stopped; all others go on. The
message names the part of the loss: `task` compares with the labels, `teacher` with the teacher's
outputs, `gradients` is the term of back-distillation.

Most often the learning rate is too high: lower `learning_rate` in the method. With `scale: paper`
a large `weight` can do the same. Where it happens in the first step already, the numbers come from
the networks: look at their own errors with `legonet inspect`.""",
    ),
    Code(
        "LEGO631",
        "labelled pictures of one kind alone",
        """\
`ordinary_learning` and `back_distillation` compare the student's answers with labels. Where all
labelled pictures show the category, or all show background, the best student is the one that
always gives the same answer.

Set `samples` to 2 or more, of which half show the category and half background; or leave it at 0
and let the adapter learn from the teacher alone.""",
    ),
    Code(
        "LEGO632",
        "no term of the loss has any weight",
        """\
The method has steps to take, but with `weight: 0` and without labelled pictures nothing is left
that could say in which direction.

Give `weight` a value above 0, or add `samples`. If the start is to be kept as it is, say
`steps: 0`.""",
    ),
    Code(
        "LEGO633",
        "fewer pictures than asked for",
        """\
An edge was given fewer labelled or unlabelled pictures than its `samples` or `unlabelled` say. To
go on with fewer would make figures that do not belong to the numbers in the spec.

Lower the number, or give the edge more pictures.""",
    ),
    Code(
        "LEGO640",
        "real gradients that vanish",
        """\
`init: real_gradients` and `init: iterated_assignment` compare what moves the answers of the task
module and of the teacher on the same pictures. Here nothing moves the answer of one of them, or
nothing passes the adapter that the gradients ask for: all ReLUs on the way are closed for every
picture, or there are numbers that are not finite.

Pictures that are too strange can do this: name real ones with `unlabelled`. Otherwise look at the
network's own error with `legonet inspect`, or begin with `stitching`, which needs no gradients.""",
    ),
)
