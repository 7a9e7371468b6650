"""``--set``: one value instead of another, typed and checked as the spec is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from legonet.data.sources.manifest import Manifest
from legonet.diagnostics import DiagnosticError
from legonet.diagnostics.text import to_text
from legonet.distill.methods import BackDistillation
from legonet.language import Loaded, Override
from legonet.language.weights import WeightsFile

Load = Callable[..., Loaded]

SPEC = """\
let root = "../data"
let cut = "features.4"
let samples = 20
let first = dog_net

data crops { source: manifest("${root}/crops"), size: 64 }
network dog_net { model: legonet.small_vgg(classes: 1), train { data: crops, category: dog } }
network cat_net { model: legonet.small_vgg(classes: 1), train { data: crops, category: cat } }
category cat { from: cat_net, until: cut }
category dog { from: first, until: cut }
task classify { from: dog_net, after: cut }
adapter dog -> classify
adapter cat -> classify { samples: samples }
path finder = cat -> classify
"""


def codes(loaded: Loaded) -> list[str]:
    return [item.code for item in loaded.diagnostics]


def good(load: Load, *sets: str) -> Loaded:
    loaded = load(SPEC, sets)
    assert [item.message for item in loaded.diagnostics] == []
    return loaded


def test_without_overrides_the_spec_stands_as_written(load: Load) -> None:
    learning = good(load).spec.adapters["cat", "classify"].learning
    assert learning is not None
    assert learning.samples == 20


def test_a_constant(load: Load) -> None:
    loaded = good(load, "samples=10", "cut=features.9")
    learning = loaded.spec.adapters["cat", "classify"].learning
    assert learning is not None
    assert learning.samples == 10
    assert loaded.spec.categories["cat"].until == "features.9"


@pytest.mark.parametrize("value", ["features", '"features"', "features.4", "a/b c"])
def test_a_text_constant_needs_no_quotes(value: str, load: Load) -> None:
    loaded = good(load, f"cut={value}")
    assert loaded.spec.categories["cat"].until == value.strip('"')


def test_a_constant_that_is_a_name_stays_one(load: Load) -> None:
    assert good(load, "first=cat_net").spec.categories["dog"].network == "cat_net"


def test_a_path_is_relative_to_the_folder_of_the_command(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = good(load, "root=elsewhere").spec.data["crops"].source
    assert source == Manifest(directory=tmp_path / "elsewhere/crops")
    loaded = good(load, "dog_net.weights=dog.safetensors")
    assert loaded.spec.networks["dog_net"].weights == WeightsFile(file=tmp_path / "dog.safetensors")


def test_a_field_of_a_block(load: Load) -> None:
    assert good(load, "crops.size=32").spec.data["crops"].size == 32
    assert good(load, "crops.source=digits()").spec.data["crops"].source.call == "digits"


def test_a_field_that_is_not_written_in_the_spec(load: Load) -> None:
    recipe = good(load, "dog_net.train.epochs=3").spec.networks["dog_net"].train
    assert recipe is not None
    assert (recipe.epochs, recipe.category) == (3, "dog")


@pytest.mark.parametrize("target", ["cat->classify", "cat -> classify", "cat.classify"])
def test_a_field_of_an_adapter(target: str, load: Load) -> None:
    loaded = good(load, f"{target}.samples=7", f"{target}.layers=[conv(1), conv(3)]")
    learning = loaded.spec.adapters["cat", "classify"].learning
    assert learning is not None
    assert (learning.samples, learning.layers) == (7, (1, 3))


def test_a_method_with_its_options(load: Load) -> None:
    loaded = good(load, "cat->classify.method=back_distillation(weight: 0.5)")
    learning = loaded.spec.adapters["cat", "classify"].learning
    assert learning is not None
    assert learning.method == BackDistillation(weight=0.5)


def test_a_direct_edge_becomes_a_learned_one(load: Load) -> None:
    loaded = good(load, "dog->classify.samples=5")
    learning = loaded.spec.adapters["dog", "classify"].learning
    assert learning is not None
    assert learning.samples == 5


def test_values_may_be_constants_of_the_spec(load: Load) -> None:
    assert good(load, "crops.size=samples").spec.data["crops"].size == 20
    assert good(load, 'cat.until="${cut}"').spec.categories["cat"].until == "features.4"


def test_blocks_of_two_kinds_with_one_name_are_told_apart_by_the_field(load: Load) -> None:
    spec = SPEC + "data cat { source: digits() }\n"
    loaded = load(spec, ["cat.until=features.9", "cat.size=32"])
    assert codes(loaded) == []
    assert loaded.spec.categories["cat"].until == "features.9"
    assert loaded.spec.data["cat"].size == 32


def test_a_field_that_two_blocks_of_one_name_have_is_ambiguous(load: Load) -> None:
    loaded = load(SPEC + "task cat { from: cat_net, after: cut }\n", ["cat.from=dog_net"])
    assert codes(loaded) == ["LEGO217"]
    assert "a category or a task" in loaded.diagnostics[0].message


def test_names_of_an_import_have_its_alias_in_front(load: Load) -> None:
    sets = ["zoo.cat->zoo.classify.samples=3", "zoo.crops.size=32", "zoo.cut=features.1"]
    loaded = load('import "animals.lego" as zoo\n', sets, animals=SPEC)
    assert codes(loaded) == []
    learning = loaded.spec.adapters["zoo.cat", "zoo.classify"].learning
    assert learning is not None
    assert learning.samples == 3
    assert loaded.spec.data["zoo.crops"].size == 32
    assert loaded.spec.categories["zoo.cat"].until == "features.1"


def test_an_edge_of_an_import_is_another_than_that_of_the_same_name(load: Load) -> None:
    loaded = load(
        f'import "animals.lego" as zoo\n{SPEC}', ["cat->classify.samples=3"], animals=SPEC
    )
    assert codes(loaded) == []
    found = {
        key: item.learning.samples for key, item in loaded.spec.adapters.items() if item.learning
    }
    assert found == {("cat", "classify"): 3, ("zoo.cat", "zoo.classify"): 20}


@pytest.mark.parametrize(
    ("text", "code", "marked"),
    [
        ("rot=a", "LEGO217", "rot"),
        ("crops=a", "LEGO217", "crops"),
        ("crop.size=3", "LEGO217", "crop.size"),
        ("cat->clasify.samples=3", "LEGO217", "cat->clasify.samples"),
        ("crops.sise=3", "LEGO203", "sise"),
        ("dog_net.trian.epochs=3", "LEGO203", "trian"),
        ("dog_net.train.epoch=3", "LEGO203", "epoch"),
        ("crops.size=large", "LEGO206", "large"),
        ("crops.size=2", "LEGO206", "2"),
        ("crops.size.width=2", "LEGO206", "size"),
        ("dog_net.train=3", "LEGO206", "3"),
        ("dog_net.init=nobody", "LEGO202", "nobody"),
        ("dog_net.init=crops", "LEGO218", "crops"),
        ("dog_net.model=os.system()", "LEGO208", "os.system"),
        ('cat.until="${nowhere}"', "LEGO213", "${nowhere}"),
        ("cat->classify.layers=[conv(2)]", "LEGO206", "2"),
    ],
)
def test_a_mistake_is_reported_at_its_place(text: str, code: str, marked: str, load: Load) -> None:
    loaded = load(SPEC, [text])
    assert codes(loaded) == [code]
    (found,) = loaded.diagnostics
    assert found.span is not None
    assert found.span.source.path == "--set"
    assert found.span.source.text[found.span.start : found.span.end] == marked
    to_text(found)


def test_a_misspelled_target_has_a_suggestion(load: Load) -> None:
    for text, similar in (("rot=a", "`root`"), ("cat->clasify.samples=3", "`cat->classify`")):
        assert similar in load(SPEC, [text]).diagnostics[0].help[0]


@pytest.mark.parametrize("text", ["", "=", "=3", "size", " = 3"])
def test_what_has_no_name_or_no_value_is_refused(text: str) -> None:
    with pytest.raises(DiagnosticError) as refused:
        Override.parse(text)
    assert [item.code for item in refused.value.diagnostics] == ["LEGO216"]


def test_in_a_spec_that_cannot_be_read_no_target_is_missed(load: Load) -> None:
    assert codes(load('import "nowhere.lego"\n', ["root=a", "crops.size=3"])) == ["LEGO101"]
    assert codes(load("data crops { source digits() }\n", ["crop.size=3"])) == ["LEGO104"]


@pytest.mark.parametrize("text", ["a#1", "../a #b", "#"])
def test_a_number_sign_begins_no_comment(text: str, load: Load, tmp_path: Path) -> None:
    loaded = load(SPEC, sets=[f"root={text}"])
    assert codes(loaded) == []
    source = loaded.spec.data["crops"].source
    assert isinstance(source, Manifest)
    assert source.directory == tmp_path / text / "crops"


def test_a_constant_with_a_mistake_is_told_once(load: Load) -> None:
    assert codes(load(SPEC, sets=["root=${nothing}"])) == ["LEGO213"]
