"""Values are written so that they are read as the same values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from legonet.data.sources.digits import Digits
from legonet.data.sources.folder import Folder
from legonet.data.sources.manifest import Manifest
from legonet.data.sources.voc import Voc
from legonet.data.transforms import Edges, Invert, LowLight
from legonet.distill.methods import (
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
    Transplant,
)
from legonet.distill.methods.back_distillation import PRESETS
from legonet.graph import ModuleGraph
from legonet.language.base import Form
from legonet.language.bind import BLOCKS
from legonet.language.declarations import Learning, Recipe
from legonet.language.fields import fields_of
from legonet.language.models import LibraryModel
from legonet.language.transforms import Transform
from legonet.language.weights import HubWeights, TorchvisionWeights, WeightsFile
from legonet.language.writing import Writer
from legonet.modules.fcn import EfficientNetFcn, VggFcn
from legonet.modules.small import SmallFcn, SmallVgg

FEW = settings(max_examples=100, deadline=None, derandomize=True, database=None)
FOLDER = Path("/specs")

TEXTS: list[tuple[Form | BaseModel, str]] = [
    (Digits(), "digits()"),
    (Folder(directory=FOLDER / "pets"), 'folder("pets")'),
    (Folder(directory=FOLDER / "../pets"), 'folder("../pets")'),
    (Manifest(directory=Path("/else"), only="voc"), 'manifest("/else", only: "voc")'),
    (Voc(directory=FOLDER, year="2007"), 'voc(".", year: "2007")'),
    (Invert(), "invert()"),
    (Edges(), "edges()"),
    (LowLight(), "low_light()"),
    (LowLight(light=0.25), "low_light(light: 0.25)"),
    (SmallVgg(classes=1), "legonet.small_vgg(classes: 1)"),
    (SmallFcn(classes=1, stride=4), "legonet.small_fcn(classes: 1)"),
    (VggFcn(classes=2, depth=11), "legonet.vgg_fcn(classes: 2, depth: 11)"),
    (
        EfficientNetFcn(backbone="b", classes=1),
        'legonet.efficientnet_fcn("b", classes: 1)',
    ),
    (
        LibraryModel(library="timm", name="x", arguments={"a": (1, "b"), "c": True, "d": 1.0}),
        'timm.x(a: [1, "b"], c: true, d: 1.0)',
    ),
    (WeightsFile(file=FOLDER / "a.safetensors"), '"a.safetensors"'),
    (TorchvisionWeights(name="V1"), 'torchvision("V1")'),
    (
        HubWeights(repository="a/b", revision="4f", file="c"),
        'hub("a/b", revision: "4f", file: "c")',
    ),
    (Transplant(), "transplant()"),
    (Stitching(ridge=1e-05), "stitching(ridge: 1e-05)"),
    (OrdinaryLearning(steps=0), "ordinary_learning(steps: 0)"),
    (OutputDistillation(init="identity"), "output_distillation(init: identity)"),
    (
        BackDistillation.model_validate({"preset": "experiment2", "steps": 3}),
        "back_distillation(preset: experiment2, steps: 3)",
    ),
]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_a_form_is_written_with_what_it_needs(value: Any, text: str) -> None:
    fields = {"source": "data", "weights": "network", "model": "network", "method": "adapter"}
    found = {
        Writer(FOLDER).value(value, fields_of(BLOCKS[block])[name])
        for name, block in fields.items()
    }
    assert found == {text}


@st.composite
def methods(draw: st.DrawFn) -> BackDistillation:
    given: dict[str, Any] = {
        "init": draw(st.sampled_from(["solve", "identity"])),
        "weight": draw(st.floats(0, 1e300)),
        "relu_maps": draw(st.sampled_from(["random", "activation_rates", "teacher"])),
        "max_pools": draw(st.sampled_from(["average", "teacher"])),
        "pairs": draw(st.integers(1, 10**20)),
        "channel_shared": draw(st.booleans()),
    }
    names = draw(st.sets(st.sampled_from(sorted(given))))
    preset = draw(st.sampled_from([None, *PRESETS]))
    return BackDistillation.model_validate(
        {"preset": preset, **{name: given[name] for name in sorted(names)}}
    )


@FEW
@given(
    method=methods(),
    text=st.text(st.characters(codec="utf-8"), max_size=12),
    rate=st.floats(min_value=0, exclude_min=True, max_value=1e308),
    seed=st.integers(0, 10**30),
    transform=st.one_of(
        st.none(),
        st.sampled_from([Invert(), Edges()]),
        st.builds(LowLight, light=st.floats(0, 1, exclude_min=True)),
    ),
)
def test_what_is_written_is_read_as_it_was(
    method: BackDistillation, text: str, rate: float, seed: int, transform: Transform | None
) -> None:
    text = text.replace("\0", "")
    graph = ModuleGraph()
    graph.add("data", "d", source=Manifest(directory=FOLDER, only=text), transform=transform)
    recipe = Recipe(data="d", category=text, learning_rate=rate, seed=seed)
    graph.add("network", "n", model=SmallVgg(classes=1), train=recipe)
    graph.add("category", "c", network="n", until=text).add("task", "t", network="n", after=text)
    graph.connect("c", "t", method=method, seed=seed)
    spec = graph.spec
    assert spec.networks["n"].train == recipe
    assert spec.data["d"].source == Manifest(directory=FOLDER, only=text)
    assert spec.data["d"].transform == transform
    assert (spec.categories["c"].until, spec.tasks["t"].after) == (text, text)
    assert spec.adapters["c", "t"].learning == Learning(method=method, seed=seed)
    assert graph.text()
