"""A spec with every statement and form of the language is read as what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from legonet.data.sources.cifar10_jpeg import Cifar10Jpeg
from legonet.data.sources.digits import Digits
from legonet.data.sources.manifest import Manifest
from legonet.distill.methods import BackDistillation, Stitching, Transplant
from legonet.language import Loaded
from legonet.language.declarations import Adapter, Category, Network, Recipe, Task
from legonet.language.declarations import Path as Application
from legonet.language.models import LibraryModel
from legonet.language.weights import HubWeights, TorchvisionWeights, WeightsFile
from legonet.modules.small import SmallFcn, SmallVgg

Load = Callable[..., Loaded]

COMMON = """\
# shared by several farms
let cut = "features.4"
data small { source: cifar10_jpeg("../data/cifar10_jpeg.npz") }
network base {                       # the common ancestor
  model: legonet.small_vgg(classes: 10)
  train { data: small, epochs: 8, seed: 1 }
}
"""

FARM = """\
# farm.lego - one horse network donates the task, two others donate categories
import "shared/common.lego"

let root = "../data"

data pictures {
  source: manifest("${root}/crops128", only: "voc"),
  size: 64,
}
data digits { source: digits() }

network horse_net {
  model: legonet.small_vgg(classes: 1, channels: 48)
  init: base
  train { data: pictures, category: horse, epochs: 5, learning_rate: 1e-3, batch_size: 32 }
}
network vgg_horse { model: torchvision.vgg16(num_classes: 1), weights: "ready/horse.safetensors" }
network vgg_all { model: torchvision.vgg16(), weights: torchvision("IMAGENET1K_V1") }
network hub_horse {
  model: torchvision.vgg16(num_classes: 1)
  weights: hub("farm/horse", revision: "9f3c", file: "model.safetensors")
}
network zero_marks {
  model: legonet.small_fcn(1)
  train { data: digits, category: "0", goal: segmentation, background: false }
}

category horse { from: horse_net, until: cut }
task recognise { from: horse_net, after: cut }
adapter horse -> recognise           # the same network, the same cut

for animal in [cow, sheep] {
  network ${animal}_net {
    model: legonet.small_vgg(classes: 1)
    init: base
    train { data: pictures, category: ${animal}, epochs: 5 }
  }
  category ${animal} { from: ${animal}_net, until: cut }
  adapter ${animal} -> recognise {
    layers: [conv(1), conv(3), conv(1)]
    teacher: ${animal}_net
    method: back_distillation(init: solve, weight: 2, steps: 150)
    data: pictures
    samples: 20
    unlabelled: 200
    seed: 3
  }
}

category late { from: horse_net, until: "features.9" }
adapter late -> recognise { method: stitching(ridge: 1e-2) }

path cow_finder = cow -> recognise
"""


def test_the_example_is_read_as_what_it_says(load: Load, tmp_path: Path) -> None:
    loaded = load(FARM, shared__common=COMMON)
    assert [item.message for item in loaded.diagnostics] == []
    spec = loaded.spec

    assert spec.data["pictures"].size == 64
    assert spec.data["pictures"].source == Manifest(
        directory=tmp_path / "../data/crops128", only="voc"
    )
    assert spec.data["small"].source == Cifar10Jpeg(
        file=tmp_path / "shared/../data/cifar10_jpeg.npz"
    )
    assert spec.data["digits"].source == Digits()

    assert spec.networks["base"] == Network(
        model=SmallVgg(classes=10), train=Recipe(data="small", epochs=8, seed=1)
    )
    assert spec.networks["horse_net"] == Network(
        model=SmallVgg(classes=1, channels=48),
        init="base",
        train=Recipe(
            data="pictures", category="horse", epochs=5, learning_rate=0.001, batch_size=32
        ),
    )
    assert spec.networks["vgg_horse"] == Network(
        model=LibraryModel(library="torchvision", name="vgg16", arguments={"num_classes": 1}),
        weights=WeightsFile(file=tmp_path / "ready/horse.safetensors"),
    )
    assert spec.networks["vgg_all"].weights == TorchvisionWeights(name="IMAGENET1K_V1")
    assert spec.networks["hub_horse"].weights == HubWeights(
        repository="farm/horse", revision="9f3c", file="model.safetensors"
    )
    assert spec.networks["zero_marks"] == Network(
        model=SmallFcn(classes=1),
        train=Recipe(data="digits", category="0", goal="segmentation"),
    )

    assert spec.categories["cow"] == Category(network="cow_net", until="features.4")
    assert spec.tasks == {"recognise": Task(network="horse_net", after="features.4")}
    assert spec.adapters["horse", "recognise"] == Adapter(category="horse", task="recognise")
    for animal in ("cow", "sheep"):
        learning = spec.adapters[animal, "recognise"].learning
        assert learning is not None
        assert learning.layers == (1, 3, 1)
        assert learning.teacher == f"{animal}_net"
        assert learning.method == BackDistillation(init="solve", weight=2.0, steps=150)
        assert (learning.data, learning.samples) == ("pictures", 20)
        assert (learning.unlabelled, learning.seed) == (200, 3)
    late = spec.adapters["late", "recognise"].learning
    assert late is not None
    assert late.method == Stitching(ridge=0.01)
    assert spec.paths == {"cow_finder": Application(category="cow", task="recognise")}


def test_what_an_adapter_does_not_say(load: Load) -> None:
    loaded = load(
        'network a { model: legonet.small_vgg(1), weights: "a.safetensors" }\n'
        'category c { from: a, until: "features.4" }\n'
        'task t { from: a, after: "features.4" }\n'
        "adapter c -> t { }\n"
    )
    learning = loaded.spec.adapters["c", "t"].learning
    assert learning is not None
    assert learning.layers == (1,)
    assert learning.method == Transplant()
    assert (learning.teacher, learning.data) == (None, None)
    assert (learning.samples, learning.unlabelled, learning.seed) == (0, 0, 0)


def test_where_things_stand_is_no_part_of_what_they_say(load: Load) -> None:
    loose = load(FARM, shared__common=COMMON).spec
    moved = load("\n# moved\n" + FARM.replace("\n\n", "\n\n\n"), shared__common=COMMON).spec
    assert loose == moved
    assert loose.origins != moved.origins


def test_every_statement_and_field_knows_its_place(load: Load) -> None:
    spec = load(FARM, shared__common=COMMON).spec
    place = spec.origins["network", "horse_net"]
    assert FARM.splitlines()[place.span.line - 1].startswith("network horse_net")
    epochs = place.of("train", "epochs")
    assert epochs.source.text[epochs.start : epochs.end] == "5"
    assert place.of("weights") == place.span
    edge = spec.origins["adapter", "cow", "recognise"]
    assert edge.span.source.text[edge.span.start : edge.span.end] == "${animal} -> recognise"
    assert [step.message for step in edge.trace] == [
        "in the iteration of this loop for the name `cow`"
    ]
