"""Diagnostic codes of learning an adapter."""

from __future__ import annotations

from legonet.diagnostics.codes.code import Code

CODES: tuple[Code, ...] = (
    Code(
        "LEGO601",
        "a layer has no linear surrogate",
        """\
Back-distillation compares gradients that flow back through linear surrogates of both task
modules. There are surrogates for layers that are affine in evaluation (convs of any stride,
dilation and grouping, transposed convs, linear layers, batch norm, average pools, upsampling,
flatten, sums, concatenation, products with constants), for ReLU, ReLU6, LeakyReLU and PReLU, for
max-pools, and for dropout. Residual, dense and inception blocks consist of these. A ReLU6 is
blocked below 0 and above 6; a gradient does not distinguish between the two, so a map of ones and
zeros describes a ReLU6 just as it describes a ReLU. GELU, SiLU, hard-swish, Mish and ELU have maps
of slopes, and layer norms a fixed scale, which are approximations. There is no such map for sigmoid
and softmax; attention and squeeze-and-excitation multiply features with each other; and a forward
pass that depends on the values it sees is different for each picture. They have no surrogates.
Another package can give its own layers a rule, by the entry point `legonet.layer_rules`.

Use a method that does not need such gradients: `stitching()`, `ordinary_learning()` or
`output_distillation()` with `init: stitching`. Or cut the network closer to the output, so that the
layer belongs to the category module.""",
    ),
    Code(
        "LEGO602",
        "the outputs of task module and teacher do not fit",
        """\
The adapter learns to make the task module answer as the teacher does. Their answers must have the
same shape: one number for a category against its background, one number per label, or a map of the
picture's size for segmentation.

Join networks that were made for the same question and the same goal.""",
    ),
    Code(
        "LEGO603",
        "the task module has no grid of outputs",
        """\
`output_grid` above 1 reads fully connected layers as convs, so that a larger feature map gives a
whole grid of outputs and a larger gradient map (Experiment 2 of the paper). For this, the task
module must end in fully connected layers after a flatten, its poolings must divide their maps
evenly, and the ReLU maps must not come from pictures, whose feature maps have the usual size.

Leave `output_grid` at 1, or use `relu_maps: random`.""",
    ),
    Code(
        "LEGO604",
        "a method has no pictures to learn from",
        """\
`ordinary_learning` learns from labelled pictures alone and needs `samples` above 0;
`output_distillation` needs labelled or unlabelled pictures of the category.

Increase `samples` or `unlabelled`, or use a method that works without pictures:
`back_distillation()`, `stitching()` or `transplant()`, which chooses by what is available.""",
    ),
    Code(
        "LEGO605",
        "features that cannot be resized",
        """\
Where two networks are cut at different depths, their features have different heights and widths.
The adapter resizes them: whole factors down by averaging, everything else by bilinear
interpolation. It does not where the spec says `resize: none`, nor where tokens are no grid: those
of Hiera are in the order of its windows, and some networks keep another number than a square.

Leave out `resize`, or cut both networks where their features have the same size.""",
    ),
    Code(
        "LEGO606",
        "features or gradients that are constant or not finite",
        """\
The scales of an adapter are ratios of mean norms: of features (beta) and of gradients (alpha). A
module whose features or gradients are zero for every picture, or are not finite numbers, has no
such scale, and nothing can be learned through it. The same applies to features that are identical
for every picture: they carry no information about it. Most often the weights are broken: training
diverged, or the file belongs to another network.

Look at the network's own error first (`legonet inspect`). For pseudo-gradients, a very small
`positive_share` can block every path; increase it.""",
    ),
    Code(
        "LEGO610",
        "partner ReLUs that cannot share a map",
        """\
Back-distillation replaces the i-th ReLU of the task module and the i-th ReLU of the teacher with
the same map of ones and zeros. A map with a value for each unit requires feature maps of the same
shape. Here the two networks differ in their numbers of channels or in their sizes.

`channel_shared: true` draws one map over height and width, repeats it along the channels, and
resizes it where the sizes differ. Maps of the teacher (`relu_maps: teacher`) always have a value
for each unit. Nothing can be shared between a feature map and a vector: give maps only to the
lowest ReLU (`relu_places: lowest`) or to none, or use `stitching()`.""",
    ),
    Code(
        "LEGO620",
        "pseudo-gradients that are zero",
        """\
Back-distillation matches the gradients that flow back through the task module and through the
teacher, with maps of ones and zeros in place of their ReLUs. Here, for every pair, nothing arrives
at the input of one of the two: the maps block every path, or all weights of a layer are zero. Then
there is nothing to match, and no scale alpha.

Draw with a larger `positive_share`, or with `relu_places: lowest`. If that does not help, look at
the network's own error (`legonet inspect`): its weights may belong to another network.""",
    ),
    Code(
        "LEGO621",
        "pseudo-gradients that are not finite",
        """\
A pseudo-gradient of the task module or of the teacher is infinite or not a number. Pseudo-gradients
pass only through linear layers, so the numbers come from the network's weights: training diverged,
or the file is damaged or was written in a format whose range is too small.

Look at the network's own error (`legonet inspect`), and train it again or load other weights.""",
    ),
    Code(
        "LEGO622",
        "pseudo-gradients that do not determine an adapter",
        """\
The best adapter for the distillation loss solves a system of linear equations, one for each input
of its kernel. Here this system is singular: no pseudo-gradient has a component in some direction of
the task module's features, so any weight would do for it. Large kernels, few pairs, and maps that
are all alike can cause this.

Increase `pairs`, or make the maps more varied with `relu_places: all` and `channel_shared: false`.
Or start with `init: stitching`, which needs no gradients.""",
    ),
    Code(
        "LEGO630",
        "the training of an adapter failed",
        """\
The loss of an adapter, its gradient, or its loss on held-out pictures is no longer a finite number.
The result would be meaningless, so the edge is stopped; all others continue. The message names the
part of the loss: `task` compares with the labels, `teacher` with the teacher's outputs, and
`gradients` is the back-distillation term.

Most often the learning rate is too high: lower `learning_rate` in the method. With `scale: paper`,
a large `weight` can have the same effect. If it happens in the very first step, the numbers come
from the networks: look at their own errors with `legonet inspect`.""",
    ),
    Code(
        "LEGO631",
        "labelled pictures of only one kind",
        """\
`ordinary_learning` and `back_distillation` compare the student's answers with labels. If all
labelled pictures show the category, or all show background, the best student is one that always
gives the same answer.

Set `samples` to 2 or more, of which half show the category and half background; or leave it at 0
and let the adapter learn from the teacher alone.""",
    ),
    Code(
        "LEGO632",
        "no term of the loss has any weight",
        """\
The method has steps to take, but with `weight: 0` and without labelled pictures there is nothing to
determine their direction.

Set `weight` to a value above 0, or add `samples`. To keep the start as it is, set `steps: 0`.""",
    ),
    Code(
        "LEGO633",
        "fewer pictures than asked for",
        """\
An edge was given fewer labelled or unlabelled pictures than its `samples` or `unlabelled` ask for.
Continuing with fewer would produce figures that do not match the numbers in the spec.

Lower the number, or give the edge more pictures.""",
    ),
    Code(
        "LEGO640",
        "real gradients that vanish",
        """\
`init: real_gradients` and `init: iterated_assignment` compare what changes the answers of the task
module and of the teacher on the same pictures. Here nothing changes the answer of one of them, or
nothing passes through the adapter that the gradients ask for: all ReLUs on the way are closed for
every picture, or some numbers are not finite.

Pictures that are too unusual can cause this: use real ones with `unlabelled`. Otherwise look at the
network's own error with `legonet inspect`, or start with `stitching`, which needs no gradients.""",
    ),
    Code(
        "LEGO650",
        "an edge that is no better than chance",
        """\
Each edge is measured on the test pictures, with a 95 % interval. This one may be no better than
always giving the same answer. For a single category, its error, the mean over the category's and
the background's pictures, may be 50 %; for the pixels of a category, the mean share of correct ones
among the category's and the background's may be 50 %; with several labels, it may be no better than
always giving the most frequent one. Such an edge has failed: `legonet build` exits with code 3.

The help names the most likely of these causes: too few test pictures to tell, a single one in the
extreme case; answers that are not finite numbers, or the same for everything; logits in the right
order with a threshold that is off; networks whose features hardly correspond, and no pictures to
learn from; a task module that answers a different question than the teacher.

The adapter is kept in the store for inspection, with all figures in its certificate:
`legonet inspect SPEC CATEGORY TASK`. It is not learned again until something about the edge
changes: its method, its pictures or its networks. The next build reports again that it failed.""",
    ),
    Code(
        "LEGO651",
        "a teacher that is no better than chance",
        """\
An adapter learns to answer as its teacher does. On the test pictures, this teacher may itself be no
better than always giving the same answer, with 95 % confidence (see LEGO650), so there is nothing
to learn from it. If the edge is at chance as well, it has failed, and its adapter is kept for
inspection. If the edge is better, it has learned from labels alone, and this is a warning.

Look at the teacher's own figures with `legonet inspect`. Train it for more epochs or on more
pictures, or name another `teacher`. If it knows its category well, the edge's `data` asks a
different question from the one that it was trained for.""",
    ),
    Code(
        "LEGO652",
        "an edge that is worse than the donor's whole network",
        """\
The network that donates the task module can itself be applied to another category's pictures, with
its own bottom and without an adapter. Here it makes fewer errors than the edge on the same test
pictures: for this category, the transplant has no benefit. Both figures are in the certificate,
the donor's as `donor_..`.

The message says whether the difference is more than noise, with 95 % confidence: for pictures by
McNemar's exact test, with each picture weighted as in the error; for pixels by a bootstrap over
pictures. If it is, give the adapter more to learn from (`unlabelled: 200`, `samples: 10`), use
`transplant()`, or leave the edge out.""",
    ),
    Code(
        "LEGO653",
        "teacher and student hardly agree",
        """\
On the pictures that an adapter was learned from, the student gives the teacher's answer in fewer
than 60 % of cases, where 50 % would be chance. The task module may answer a different question than
the teacher: "dog, or one of nine other animals?" is not "cat, or one of nine other animals?", and
no adapter can fix that.

Join networks that were trained for the same question, against the same background.""",
    ),
    Code(
        "LEGO654",
        "test pictures that are all the same",
        """\
All test pictures of the category, or all of its background, are the same picture, byte for byte.
However many there are, they say no more than one does. The interval of the error counts them once,
and a figure with such an interval says next to nothing.

Put different pictures into the test split. The usual cause is a script that wrote the same file
under many names.""",
    ),
    Code(
        "LEGO655",
        "a joint path over an edge at chance",
        """\
A joint path asks all of its edges and takes the surest one for its answer. One of them is no better
than always giving the same answer (see LEGO650), so it may outvote categories that know better, or
never be the answer. The certificate of the path has been measured with it all the same: its
confusion matrix shows how much harm it does.

Mend the edge, with more pictures or another method, or leave its category out of the path.
""",
    ),
    Code(
        "LEGO656",
        "a joint path that hardly ever gives one of its answers",
        """\
Each edge of a joint path tells its category from the background. The surest one wins, and one of
them is as sure about pictures of another category: they are answered right no more often than by
guessing, while the teachers, asked in the same way, tell them apart. Each edge may be good by
itself nevertheless, since its own test pictures show its category and the background alone.

An adapter that has never seen another category cannot tell it from its own. Where the data have
background pictures, use data whose background shows the other categories, too; and give the edges
more `unlabelled` pictures. `legonet inspect SPEC` shows the confusion matrix.
""",
    ),
)
