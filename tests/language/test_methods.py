"""The options of back-distillation: presets, and what is filled in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from legonet.building.planning.inputs import form_of
from legonet.building.storage.keys import key_of
from legonet.distill.methods import (
    METHODS,
    BackDistillation,
    OrdinaryLearning,
    OutputDistillation,
    Stitching,
    Transplant,
)
from legonet.distill.methods.back_distillation import PRESETS
from legonet.language import load_spec
from legonet.language.declarations import Learning

OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "init": st.sampled_from(["default", "solve", "assignment"]),
        "steps": st.integers(0, 9),
        "weight": st.floats(0, 20),
        "scale": st.sampled_from(["relative", "paper"]),
        "norm": st.sampled_from(["frobenius", "mean_absolute"]),
        "reduction": st.sampled_from(["sum", "mean"]),
        "relu_maps": st.sampled_from(["random", "activation_rates", "teacher"]),
        "relu_places": st.sampled_from(["all", "lowest", "none"]),
        "positive_share": st.floats(0.1, 1),
        "channel_shared": st.booleans(),
        "max_pools": st.sampled_from(["average", "teacher"]),
        "adapter_relus": st.sampled_from(["identity", "random"]),
        "output_gradient": st.sampled_from(["constant", "random"]),
        "output_grid": st.integers(1, 9),
        "reordered": st.booleans(),
        "biases": st.sampled_from(["learned", "zero"]),
    },
)


def key(method: BackDistillation) -> str:
    return key_of(form_of(method))


@given(preset=st.sampled_from(list(PRESETS)), given=OPTIONS)
def test_a_preset_and_the_same_options_written_out_have_one_key(preset, given):
    short = BackDistillation(preset=preset, **given)
    written = BackDistillation(**{**PRESETS[preset], **given})
    assert short == written
    assert key(short) == key(written)


@given(preset=st.sampled_from(list(PRESETS)), given=OPTIONS)
def test_what_is_given_beside_a_preset_wins(preset, given):
    made = BackDistillation(preset=preset, **given)
    for name, value in {**PRESETS[preset], **given}.items():
        assert getattr(made, name) == value


def test_presets_differ_from_each_other_and_from_the_defaults():
    made = [BackDistillation(), *(BackDistillation(preset=name) for name in PRESETS)]
    assert len({key(method) for method in made}) == 4


def test_presets_have_the_papers_values():
    first, second, third = (BackDistillation(preset=name) for name in PRESETS)
    for method, weight in ((first, 10), (second, 10), (third, 1)):
        assert (method.scale, method.weight, method.adapter_relus) == ("paper", weight, "identity")
        assert (method.relu_maps, method.max_pools) == ("random", "average")
    assert (first.relu_places, first.output_gradient, first.output_grid) == ("all", "constant", 1)
    assert (second.output_gradient, second.output_grid) == ("random", 7)
    assert (third.output_gradient, third.output_grid) == ("random", 1)
    for method in (second, third):
        assert (method.relu_places, method.positive_share) == ("lowest", 0.2)
        assert method.channel_shared


@given(given=OPTIONS)
def test_the_teachers_maps_bring_its_pool_switches_unless_said(given):
    made = BackDistillation(**given)
    expected = "teacher" if given.get("relu_maps") == "teacher" else "average"
    assert made.max_pools == given.get("max_pools", expected)
    again = BackDistillation(**made.model_dump())
    assert again == made


@pytest.mark.parametrize(
    "method",
    [BackDistillation(), OrdinaryLearning(), OutputDistillation(), Stitching(), Transplant()],
)
def test_every_method_can_be_reordered_and_fits_an_adapter(method):
    assert Learning(method=method).method is method
    assert not method.reordered
    assert key_of(form_of(type(method)(reordered=True))) != key_of(form_of(method))
    assert METHODS.get(method.call) is type(method)


def test_an_unknown_preset_is_no_method():
    with pytest.raises(ValidationError):
        BackDistillation(preset="experiment4")


@pytest.mark.parametrize("written", ["experiment1", '"experiment1"'])
def test_a_preset_stands_in_a_spec_with_or_without_quotes(tmp_path: Path, written: str) -> None:
    file = tmp_path / "preset.lego"
    file.write_text(spec(f"back_distillation(preset: {written}, weight: 2)"))
    learning = load_spec(file).spec.adapters["a", "t"].learning
    assert learning is not None
    assert learning.method == BackDistillation(preset="experiment1", weight=2)


def test_an_unknown_preset_in_a_spec_is_told_at_its_place(tmp_path: Path) -> None:
    file = tmp_path / "preset.lego"
    file.write_text(spec("back_distillation(preset: experiment4)"))
    (diagnostic,) = load_spec(file).diagnostics
    assert diagnostic.code == "LEGO206"
    assert "experiment1, experiment2 or experiment3" in diagnostic.message
    assert diagnostic.span is not None
    assert diagnostic.span.source.text[diagnostic.span.start : diagnostic.span.end] == "experiment4"


def spec(method: str) -> str:
    return f"""
data digits {{ source: digits() }}
network n {{
  model: legonet.small_vgg(classes: 1)
  train {{ data: digits, category: "1" }}
}}
category a {{ from: n, until: "features.4" }}
task t {{ from: n, after: "features.4" }}
adapter a -> t {{ layers: [conv(3)], method: {method} }}
"""
