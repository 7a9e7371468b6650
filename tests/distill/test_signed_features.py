"""Adapters at cuts whose features are signed, and after ReLUs, in networks that people own."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from torch import nn
from toy_networks import begin, edge, network, pictures

from legonet.data.pictures import Pictures
from legonet.data.tensors import to_tensor
from legonet.distill.edges.edge import Edge
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.gradients import Gradients
from legonet.distill.learn import learn
from legonet.distill.methods import BackDistillation, Stitching
from legonet.goals.classification import Classification
from legonet.language.declarations import Learning
from legonet.modules.cut import bottom, top
from legonet.modules.freeze import freeze
from legonet.modules.seeding import seeded

SIZE = 64

CUTS = {
    "efficientnet_lite, linear bottleneck": (
        lambda: timm.create_model("tf_efficientnet_lite0", num_classes=1),
        "blocks.2",
        "identity",
    ),
    "mobilenet_v2, linear bottleneck": (
        lambda: torchvision.models.mobilenet_v2(num_classes=1),
        "features.3",
        "identity",
    ),
    "resnet, between the convs of a block": (
        lambda: torchvision.models.resnet18(num_classes=1),
        "bn1",
        "identity",
    ),
    "resnet, after a block": (
        lambda: torchvision.models.resnet18(num_classes=1),
        "layer1",
        "relu",
    ),
    "convnext": (
        lambda: torchvision.models.convnext_tiny(num_classes=1),
        "features.1",
        "identity",
    ),
    "vgg, after a ReLU and a pool": (
        lambda: torchvision.models.vgg11(num_classes=1),
        "features.2",
        "relu",
    ),
}


def noise(count: int, seed: int) -> Pictures:
    labels = torch.arange(count) % 2
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(256, (count, SIZE, SIZE, 3), generator=generator, dtype=torch.uint8)
    return Pictures(images.numpy(), labels.numpy())


def grown(name: str, seed: int = 0) -> Edge:
    make, cut, _ = CUTS[name]
    with seeded(seed):
        whole = make()
    # What batch norm knows of untrained networks lets nothing of the picture through.
    whole.train()
    with torch.no_grad():
        for step in range(4):
            whole(to_tensor(noise(8, step).images))
    whole = freeze(whole)
    none = noise(0, 0)
    return Edge(
        category_module=freeze(bottom(whole, cut)),
        task_module=freeze(top(whole, cut)),
        own_category_module=freeze(bottom(whole, cut)),
        teacher=whole,
        teacher_top=freeze(top(whole, cut)),
        goal=Classification(),
        size=SIZE,
        labelled=none,
        unlabelled=none,
        own=noise(24, 7),
    )


def context(made: Edge, asked: str | None = None) -> EdgeContext:
    return EdgeContext(made, 3, torch.device("cpu"), lambda words: None, asked=asked)


@torch.no_grad()
@pytest.mark.parametrize("name", CUTS)
def test_the_activation_follows_from_what_the_task_module_is_used_to(name: str) -> None:
    made = grown(name)
    _, _, expected = CUTS[name]
    assert context(made).activation == expected
    values = to_tensor(noise(4, 1).images)
    for kernels in ([1], [1, 3]):
        adapter = begin(context(made), kernels, "stitching").adapter
        assert adapter.activation == expected
        # One network on both sides: a stitch that throws nothing away gives its own answers.
        answers = made.task_module(adapter(made.category_module(values)))
        teacher = made.teacher(values)
        spread = float(teacher.std()) + float(teacher.abs().mean())
        assert float((answers - teacher).abs().max()) < 0.02 * spread


@pytest.mark.parametrize("asked", ["relu", "identity"])
def test_an_option_overrides_it(asked: str) -> None:
    learning = Learning(layers=(1, 1), activation=asked, method=Stitching())
    learned = learn(edge(network(0), network(1), own=8), learning, lambda done, words: None)
    assert learned.adapter.activation == asked
    assert learned.certificate["activation"] == asked


@torch.no_grad()
@pytest.mark.parametrize("kernels", [(1,), (3,), (1, 1, 1), (3, 3), (1, 3)])
@pytest.mark.parametrize("start", ["solve", "blend", "stitching", "identity", "real_gradients"])
def test_deeper_adapters_begin_as_the_first_conv_alone_on_signed_features(start, kernels) -> None:
    made = signed()
    options = BackDistillation(pairs=32)
    first = begin(context(made), kernels[:1], start, options).adapter
    deeper = begin(context(made), kernels, start, options).adapter
    features = made.category_module(to_tensor(pictures(6).images))
    assert (first(features) < 0).any()
    torch.testing.assert_close(deeper(features), first(features), rtol=0, atol=0)


@pytest.mark.parametrize("kernels", [(1,), (3,), (1, 1), (3, 3)])
@pytest.mark.parametrize("adapter_relus", ["identity", "random"])
def test_the_residual_is_that_of_the_double_backward(kernels, adapter_relus) -> None:
    made = context(signed())
    options = BackDistillation(pairs=16, adapter_relus=adapter_relus)
    gradients, _ = Gradients.draw(made, kernels, options)
    adapter = begin(made, kernels, "default").adapter
    for conv in adapter.convolutions:
        nn.init.zeros_(conv.bias)
    if gradients.pool is None:
        from legonet.distill.edges.pairs import draw_pairs
        from legonet.distill.pseudo_gradients.moments import Pairs

        pairs = Pairs.together(draw_pairs(made, options, "pairs", len(kernels) - 1))
    else:
        pairs = gradients.pool
    start = torch.zeros_like(pairs.teacher).requires_grad_()
    first, *branches = adapter.convolutions
    values = first(start)
    maps = pairs.maps or [torch.ones(())] * len(branches)
    for branch, passed in zip(branches, maps, strict=True):
        values = values + branch(values * passed)
    (through,) = torch.autograd.grad(values, start, pairs.student, create_graph=True)
    away = gradients.alpha_beta * through - pairs.teacher
    expected = away.square().sum() / pairs.teacher.square().sum()
    assert gradients.residual(adapter).item() == pytest.approx(expected.item(), rel=1e-4)


def signed() -> Edge:
    """An edge whose features are cut before their ReLU."""

    def cut_earlier(whole: nn.Sequential) -> nn.Sequential:
        lower, upper = whole
        return nn.Sequential(lower[:3], nn.Sequential(*lower[3:], *upper)).eval()

    return edge(cut_earlier(network(0)), cut_earlier(network(1)), own=8, unlabelled=6)
