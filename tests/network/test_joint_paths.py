"""Paths that join categories: one answer of several, through modules that each run once."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.specs import SEGMENTING, workspace_of, write_spec
from kit.untrained import open_filled, put, write_filled
from torch import Tensor, nn

from legonet import DiagnosticError, TransplantNetwork
from legonet.modules.joint import joint_logits
from legonet.network.prediction import MaskFiles

JOINT = """
path which = [digit_1, digit_3] -> classify
path where = [digit_3, digit_1] -> ink
path everything = [digit_1, digit_3] -> [classify, ink]
path of_one = digit_1 -> [classify, ink]
"""
PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
PICTURES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def joint_spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_filled(tmp_path_factory.mktemp("joint"), SEGMENTING + JOINT)


@pytest.fixture
def joined(joint_spec: Path) -> TransplantNetwork:
    return TransplantNetwork.open(joint_spec)


@settings(deadline=None)
@given(st.lists(st.floats(-8, 8), min_size=1, max_size=5))
def test_the_answer_is_what_independent_answers_say_if_at_most_one_is_yes(
    logits: list[float],
) -> None:
    yes = [1 / (1 + np.exp(-logit)) for logit in logits]
    chances = np.zeros(1 + len(logits))
    for answers in product((0, 1), repeat=len(logits)):
        if sum(answers) <= 1:
            place = 1 + answers.index(1) if any(answers) else 0
            chances[place] = np.prod([p if a else 1 - p for p, a in zip(yes, answers, strict=True)])
    found = joint_logits(
        [torch.tensor([[logit]], dtype=torch.float64) for logit in logits]
    ).softmax(1)
    np.testing.assert_allclose(found[0].numpy(), chances / chances.sum(), atol=1e-9)


def test_of_one_category_it_is_the_same_as_its_own_answer() -> None:
    logits = torch.linspace(-5, 5, 11)[:, None]
    torch.testing.assert_close(joint_logits([logits]).softmax(1)[:, 1], logits[:, 0].sigmoid())


def test_paths_are_listed(joined: TransplantNetwork) -> None:
    assert joined.paths == ("read_one", "find_one", "which", "where", "everything", "of_one")


def test_a_joint_path_compares_the_calibrated_answers_of_its_edges(
    joined: TransplantNetwork,
) -> None:
    path = joined.path("which")
    edges = [joined(PICTURES, category=name, task="classify") for name in ("digit_1", "digit_3")]
    expected = torch.cat([torch.zeros(3, 1), *edges], 1)
    torch.testing.assert_close(path(PICTURES), expected, atol=1e-5, rtol=1e-5)
    assert path.labels == ("background", "digit_1", "digit_3")


def test_of_masks_it_makes_one_label_map(joined: TransplantNetwork) -> None:
    found = joined.path("where")(PICTURES)
    assert found.shape == (3, 3, 16, 16)
    for place, category in enumerate(("digit_3", "digit_1"), start=1):
        own = joined(PICTURES, category=category, task="ink")
        torch.testing.assert_close(found[:, place : place + 1], own, atol=1e-5, rtol=1e-5)


def test_a_path_to_several_tasks_answers_with_each(joined: TransplantNetwork) -> None:
    found = joined.path("everything")(PICTURES)
    assert list(found) == ["classify", "ink"]
    torch.testing.assert_close(found["classify"], joined.path("which")(PICTURES))
    plain = joined.path("of_one")(PICTURES)
    for task in ("classify", "ink"):
        own = joined(PICTURES, category="digit_1", task=task)
        torch.testing.assert_close(plain[task], own, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("by", ["module", "prediction"])
def test_each_shared_module_runs_once_for_a_batch(joined: TransplantNetwork, by: str) -> None:
    calls: Counter[nn.Module] = Counter()
    sizes: dict[nn.Module, int] = {}

    def count(module: nn.Module, taken: tuple[Tensor, ...], answer: Tensor) -> None:
        calls[module] += 1
        sizes[module] = len(taken[0])

    path = joined.path("everything")
    groups = {name: list(group) for name, group in path.named_children()}
    modules = [module for group in groups.values() for module in group]
    hooks = [module.register_forward_hook(count) for module in modules]
    if by == "module":
        path(PICTURES)
    else:
        joined.predict([PIXELS, PIXELS[:, ::-1], PIXELS[::-1]], paths="everything")
    for hook in hooks:
        hook.remove()
    assert {name: len(group) for name, group in groups.items()} == {
        "category_modules": 2,
        "adapters": 3,
        "task_modules": 2,
        "calibrations": 3,
    }
    assert set(calls) == set(modules)
    assert set(calls.values()) == {1}
    assert {sizes[module] for module in groups["category_modules"]} == {3}
    assert {sizes[module] for module in groups["task_modules"]} == {6}, "of both, in one batch"


def test_modules_are_those_of_the_edges_alone(joined: TransplantNetwork) -> None:
    held = joined.memory
    path = joined.path("which")
    assert path.get_submodule("task_modules.0") is joined.route("digit_3", "classify")[1]
    before = joined.memory
    path(PICTURES)
    assert held <= before == joined.memory


def test_the_label_is_the_surest_category_or_the_background(joined: TransplantNetwork) -> None:
    pictures = [np.full((16, 16, 3), value, np.uint8) for value in range(0, 256, 5)]
    found = joined.predict(pictures, paths="which")
    single = joined.predict(pictures, categories=["digit_1", "digit_3"], tasks="classify")
    for number, item in enumerate(found):
        own = [one for one in single if one.picture == item.picture]
        chances = {one.category: next(iter(one.probabilities.values())) for one in own}
        surest = max(chances, key=lambda name: chances[name])
        assert item.label == (surest if chances[surest] > 0.5 else "background"), number
        assert item.answer == item.label
        assert list(item.probabilities) == ["background", "digit_1", "digit_3"]
        assert sum(item.probabilities.values()) == pytest.approx(1)
        assert max(item.probabilities, key=item.probabilities.__getitem__) == item.label
    assert (found[0].route, found[0].path, found[0].category) == (
        "which -> classify",
        "which",
        None,
    )
    assert found[0].to_json()["path"] == "which"


def test_answers_of_one_edge_have_a_label_too(joined: TransplantNetwork) -> None:
    for item in joined.predict(PIXELS, paths="read_one"):
        assert item.label == (item.answer or "background")


def test_a_label_map_has_the_size_of_its_picture(joined: TransplantNetwork, tmp_path: Path) -> None:
    (found,) = joined.predict(PIXELS, paths="where")
    assert found.mask is not None
    assert found.mask.shape == (40, 60)
    counts = np.bincount(found.mask.reshape(-1), minlength=3) / found.mask.size
    assert found.shares == pytest.approx(
        dict(zip(("background", "digit_3", "digit_1"), counts, strict=True))
    )
    assert found.label == max(found.shares, key=found.shares.__getitem__)
    files = MaskFiles(tmp_path).write(found)
    assert {file.name for file in files.values()} == {
        "picture-1.where.ink.mask.png",
        "picture-1.where.ink.overlay.png",
    }


def test_what_changes_a_path_changes_no_other(joined: TransplantNetwork) -> None:
    path = joined.path("which")
    before = path(PICTURES)
    for other in (copy.deepcopy(path), pickle.loads(pickle.dumps(path))):
        assert torch.equal(other(PICTURES), before)
    wide = joined.path("which").double()
    torch.testing.assert_close(wide(PICTURES.double()).float(), before, atol=1e-4, rtol=1e-4)
    assert torch.equal(path(PICTURES), before)
    assert path.train() is path
    assert not path.training


def test_a_path_with_an_edge_that_is_not_built_says_which(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SEGMENTING + JOINT)
    workspace, plan = workspace_of(spec)
    for step in (*plan.networks, *plan.edges):
        if step.name != "digit_1 -> ink" and step.action == "build":
            put(workspace.store, plan, step)
    network = TransplantNetwork.open(spec)
    assert network.path("which")(PICTURES).shape == (3, 3)
    with pytest.raises(DiagnosticError, match=r"`digit_1 -> ink` is not built") as error:
        network.path("where")
    assert error.value.diagnostics[0].code == "LEGO709"
    with pytest.raises(DiagnosticError, match=r"`digit_1 -> ink` is not built"):
        network.predict(PIXELS, paths="everything")


def test_a_path_over_sizes_that_only_the_data_know_is_refused(tmp_path: Path) -> None:
    others = SEGMENTING.replace(
        "adapter digit_1 -> classify { layers: [conv(1)] }",
        "data large { source: digits(), size: 32 }\n"
        "adapter digit_1 -> classify { layers: [conv(1)], data: large }",
    )
    with pytest.raises(DiagnosticError, match="pictures of 32x32, and") as error:
        open_filled(tmp_path, others + JOINT)
    assert error.value.diagnostics[0].code == "LEGO323"
    assert error.value.diagnostics[0].span is not None


@pytest.mark.parametrize(("name", "shape"), [("which", (3,)), ("where", (3, 16, 16))])
def test_a_joint_path_is_one_onnx_file(
    joined: TransplantNetwork, tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    written = joined.export(name, tmp_path / "path.onnx")
    session = runtime.InferenceSession(tmp_path / "path.onnx")
    pictures = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    (found,) = session.run(None, {"pictures": pictures.numpy()})
    assert found.shape == (5, *shape)
    np.testing.assert_allclose(found, joined.path(name)(pictures).numpy(), atol=1e-4)
    assert [file.name for file in written.files] == ["path.onnx"]
    assert written.description["name"] == name
    labels = written.description["output"]["labels"]
    assert labels[0] == "background"
    assert sorted(labels[1:]) == ["digit_1", "digit_3"]


def test_a_joint_path_is_one_program(joined: TransplantNetwork, tmp_path: Path) -> None:
    joined.export("which", tmp_path / "path.pt2")
    program = torch.export.load(tmp_path / "path.pt2").module()
    pictures = torch.randn(5, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(program(pictures), joined.path("which")(pictures))


@pytest.mark.parametrize(
    ("name", "file", "said"),
    [
        ("which", "path.safetensors", "joins 2 categories, which a bundle cannot express"),
        ("everything", "path.onnx", "leads to 2 tasks"),
        ("of_one", "path.pt2", "leads to 2 tasks"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(
    joined: TransplantNetwork, tmp_path: Path, name: str, file: str, said: str
) -> None:
    with pytest.raises(DiagnosticError, match=said) as error:
        joined.export(name, tmp_path / file)
    assert error.value.diagnostics[0].code == "LEGO766"
    assert list(tmp_path.iterdir()) == []
