"""A bundle opens by itself, can be read by hand, and never answers otherwise than it should."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from legonet import registry
from legonet.diagnostics import DiagnosticError
from legonet.graph.resolved import ResolvedEdge, ResolvedNetwork
from legonet.language.declarations import Network
from legonet.language.models import MODELS, LibraryModel, Model, ModelForm
from legonet.modules.adapter import Adapter
from legonet.modules.cut import bottom, top
from legonet.modules.digest import state_digest
from legonet.modules.models import instantiate
from legonet.modules.small import SmallFcn, SmallVgg
from legonet.network.export import Application, bundle, open_bundle

VGG = SmallVgg(classes=1, channels=2)


class Positioned(nn.Module):
    """A network with a table that is in no state dict, and lists for arguments."""

    def __init__(self, widths: tuple[int, ...], name: str) -> None:
        super().__init__()
        if not isinstance(widths, tuple):
            raise TypeError(f"expected a tuple, found {type(widths).__name__}")
        self.features = nn.Conv2d(3, widths[0], 3, padding=1)
        self.positions = Positions()
        self.head = nn.Conv2d(widths[0], widths[1], 1)

    def forward(self, pictures: Tensor) -> Tensor:
        maps: Tensor = self.head(self.positions(self.features(pictures)))
        return maps.mean((2, 3))


class Positions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.linspace(0, 1, 16), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        return features + self.table


def application_of(
    below: Model, until: str, above: Model, after: str, kernels: tuple[int, ...] = ()
) -> tuple[Application, ResolvedEdge]:
    """Return an application of two networks with a random start, and the edge that it is of."""
    pictures = torch.zeros(1, 3, 16, 16)
    lower, upper = instantiate(below, seed=1), instantiate(above, seed=2)
    parts = {"category": bottom(lower, until)}
    if kernels:
        channels = (
            bottom(net, cut)(pictures).shape[1] for net, cut in ((lower, until), (upper, after))
        )
        parts["adapter"] = Adapter(*channels, kernels, scale=0.7)
    parts["task"] = top(upper, after)
    goal = "classification"
    networks = [
        ResolvedNetwork(name, Network(model=model), None, goal, None, is_single=True)
        for name, model in (("lower", below), ("upper", above))
    ]
    edge = ResolvedEdge(
        "cat", "classify", networks[0], until, networks[1], after, networks[0], None, None
    )
    digests = {name: state_digest(part) for name, part in parts.items()}
    about = {"category": "cat", "task": "classify", "size": 16, "sha256": digests, "torch": "2"}
    return Application(parts, about).requires_grad_(False), edge


def written(folder: Path, *arguments: Any, name: str = "cat") -> Path:
    """Write a bundle, and return its safetensors file."""
    for ending, contents in bundle.Bundle().encode(*application_of(*arguments)).items():
        (folder / f"{name}{ending}").write_bytes(contents)
    return folder / f"{name}.safetensors"


def refusal(file: Path) -> tuple[str, str]:
    with pytest.raises(DiagnosticError) as caught:
        open_bundle(file)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code, diagnostic.message


@pytest.mark.parametrize(
    ("below", "until", "above", "after", "kernels"),
    [
        (VGG, "features.4", VGG, "features.4", ()),
        (VGG, "features.4", SmallFcn(classes=3, channels=5, stride=2), "features.4", (1, 3)),
        (
            LibraryModel(
                library="torchvision", name="mobilenet_v2", arguments={"width_mult": 0.25}
            ),
            "features.1",
            LibraryModel(library="torchvision", name="squeezenet1_1", arguments={"num_classes": 2}),
            "features.1",
            (3,),
        ),
    ],
)
def test_a_bundle_gives_the_same_bits(
    tmp_path: Path, below: Model, until: str, above: Model, after: str, kernels: tuple[int, ...]
) -> None:
    application, _ = application_of(below, until, above, after, kernels)
    opened = open_bundle(written(tmp_path, below, until, above, after, kernels))
    assert opened.description == application.description
    for count in (1, 2, 7):
        pictures = torch.randn(count, 3, 48, 48)
        assert torch.equal(opened(pictures), application(pictures))


def test_the_two_files_say_enough_to_compute_the_answer_by_hand(tmp_path: Path) -> None:
    file = written(tmp_path, VGG, "features.4", VGG, "features.4", (1, 3))
    weights = {name: torch.from_numpy(item) for name, item in load_file(file).items()}
    text = json.loads(file.with_suffix(".json").read_text())
    assert (text["format"], text["version"]) == ("legonet.bundle", 1)
    halves = {part: (text[part]["model"], text[part]["cut"]) for part in ("category", "task")}
    assert set(halves.values()) == {("legonet.small_vgg", "features.4")}
    assert text["category"]["arguments"] == {"classes": 1, "channels": 2}

    def conv(name: str, values: Tensor) -> Tensor:
        kernel = weights[f"{name}.weight"]
        padding = kernel.shape[-1] // 2
        return functional.conv2d(values, kernel, weights[f"{name}.bias"], padding=padding).relu()

    pictures = torch.randn(2, 3, 16, 16)
    values = conv("category.features.2", conv("category.features.0", pictures))
    values = functional.max_pool2d(values, 2) * weights["adapter.scale"]
    for place in range(len(text["adapter"]["kernels"])):
        values = conv(f"adapter.layers.{2 * place}", values)
    for first, second in ((5, 7), (10, 12)):
        values = conv(f"task.features.{second}", conv(f"task.features.{first}", values))
        values = functional.max_pool2d(values, 2)
    values = functional.adaptive_avg_pool2d(values, 2).flatten(1)
    values = (
        values @ weights["task.classifier.0.weight"].T + weights["task.classifier.0.bias"]
    ).relu()
    logits = values @ weights["task.classifier.3.weight"].T + weights["task.classifier.3.bias"]
    np.testing.assert_allclose(open_bundle(file)(pictures), logits, atol=1e-5)


class Mine(ModelForm):
    """A model of another package."""

    call = "mine.network"
    goal = "classification"
    widths: tuple[int, ...]
    name: str = "wide"

    def build(self) -> nn.Module:
        return Positioned(self.widths, self.name)


class Wider(Mine):
    """What another version of the package makes of the same fields."""

    def build(self) -> nn.Module:
        return Positioned(tuple(2 * width for width in self.widths), self.name)


def registering(form: type[ModelForm]) -> Any:
    """Register a model of another package."""
    point = EntryPoint(form.call, f"{__name__}:{form.__name__}", MODELS.group)
    return patch.object(registry, "_registered", lambda group, path: {form.call: point})


def test_a_model_of_another_package_is_named_by_its_call(tmp_path: Path) -> None:
    model = Mine(widths=(4, 2))
    with registering(Mine):
        application, _ = application_of(model, "features", model, "features", (1,))
        file = written(tmp_path, model, "features", model, "features", (1,))
        pictures = torch.randn(2, 3, 16, 16)
        assert torch.equal(open_bundle(file)(pictures), application(pictures))
    code, message = refusal(file)
    assert code == "LEGO502"
    assert "mine.network" in message


def test_a_library_that_makes_another_network_is_told(tmp_path: Path) -> None:
    model = Mine(widths=(4, 2))
    with registering(Mine):
        file = written(tmp_path, model, "features", model, "features")
    with registering(Wider):
        code, message = refusal(file)
    assert code == "LEGO773"
    assert "`features.weight`" in message


def test_a_bundle_may_be_moved_and_renamed(tmp_path: Path) -> None:
    file = written(tmp_path, VGG, "features.4", VGG, "features.4")
    expected = open_bundle(file)(torch.ones(1, 3, 16, 16))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for ending in (".safetensors", ".json"):
        shutil.move(file.with_suffix(ending), moved / f"kitten{ending}")
    for ending in (".safetensors", ".json"):
        opened = open_bundle(str(moved / f"kitten{ending}"))
        assert torch.equal(opened(torch.ones(1, 3, 16, 16)), expected)


def edited(text: Path, **fields: Any) -> None:
    text.write_text(json.dumps(json.loads(text.read_text()) | fields))


def without_tensors(file: Path) -> None:
    file.unlink()


def without_text(file: Path) -> None:
    file.with_suffix(".json").unlink()


def other_json(file: Path) -> None:
    file.with_suffix(".json").write_text("[1, 2]")


def no_json(file: Path) -> None:
    file.with_suffix(".json").write_bytes(b"\xff{")


def later_version(file: Path) -> None:
    edited(file.with_suffix(".json"), version=2)


def other_cut(file: Path) -> None:
    # The pooling has no weights, so that only the text's digest can tell.
    half = json.loads(file.with_suffix(".json").read_text())["task"]
    edited(file.with_suffix(".json"), task=half | {"cut": "features.3"})


def nameless(file: Path) -> None:
    text = json.loads(file.with_suffix(".json").read_text())
    del text["sha256"], text["application"]["category"]
    digest = hashlib.sha256(json.dumps(text, sort_keys=True).encode()).hexdigest()
    edited(file.with_suffix(".json"), **text, sha256=digest)


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def one_tensor_more(file: Path) -> None:
    save_file({**load_file(file), "extra": np.zeros(1)}, file)


def no_tensors(file: Path) -> None:
    save_file({}, file)


def other_tensors(file: Path) -> None:
    save_file({name: item + 1 for name, item in load_file(file).items()}, file)


@pytest.mark.parametrize(
    ("damage", "code", "says"),
    [
        (without_tensors, "LEGO770", "No such file"),
        (without_text, "LEGO770", "No such file"),
        (other_json, "LEGO770", "is none"),
        (no_json, "LEGO770", "is none"),
        (later_version, "LEGO771", "found 2"),
        (nameless, "LEGO770", "no `category`"),
        (other_cut, "LEGO772", "text"),
        (cut_off, "LEGO772", "cat.safetensors"),
        (one_tensor_more, "LEGO772", "digests"),
        (no_tensors, "LEGO772", "digests"),
        (other_tensors, "LEGO772", "digests"),
    ],
)
def test_what_is_no_sound_bundle_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], code: str, says: str
) -> None:
    file = written(tmp_path, VGG, "features.4", VGG, "features.4")
    damage(file)
    found, message = refusal(file)
    assert found == code
    assert says in message


def test_another_ending_and_an_unusable_device_are_refused(tmp_path: Path) -> None:
    for name in (tmp_path / "cat.pt2", tmp_path, Path()):
        assert refusal(name)[0] == "LEGO770"
    file = written(tmp_path, VGG, "features.4", VGG, "features.4")
    with pytest.raises(DiagnosticError) as caught:
        open_bundle(file, device="cuda:99")
    assert caught.value.diagnostics[0].code == "LEGO745"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, Tensor]:
    file = written(tmp_path_factory.mktemp("sound"), VGG, "features.4", VGG, "features.4", (1,))
    answer = open_bundle(file)(torch.ones(1, 3, 16, 16))
    return file.with_suffix(".json").read_bytes(), file.read_bytes(), answer


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), in_text=st.booleans())
def test_no_flipped_bit_changes_an_answer_unseen(
    sound: tuple[bytes, bytes, Tensor], place: float, bit: int, in_text: bool
) -> None:
    text, tensors, answer = sound
    contents = bytearray(text if in_text else tensors)
    # Half of the places in a safetensors file lie in its header.
    size = len(contents) if in_text or place < 0.5 else 3000
    contents[int(place * size)] ^= 1 << bit
    given_text, given_tensors = (contents, tensors) if in_text else (text, contents)
    try:
        opened = bundle.decode(bytes(given_text), bytes(given_tensors), Path("cat"))
    except DiagnosticError:
        return
    assert torch.equal(opened(torch.ones(1, 3, 16, 16)), answer)
