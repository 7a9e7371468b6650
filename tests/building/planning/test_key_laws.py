"""Content keys follow from what is built: every field counts, and no name, place or layout does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kit.specs import plan_of, write_spec
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import legonet
from legonet.building.planning.datasets import TaskDatasets
from legonet.building.planning.inputs import InputsOfGraph
from legonet.building.storage.digest_cache import DigestCache
from legonet.building.storage.index import open_index
from legonet.building.storage.keys import key_of
from legonet.data import open_source
from legonet.data.sources.coco import Coco
from legonet.data.sources.manifest import ManifestSource
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph, load
from legonet.language import Spec
from legonet.language.base import Call
from legonet.language.declarations import LAYERS, Category, Data, Learning, Network, Recipe, Task
from legonet.language.inputs import Input
from legonet.language.markers import Choice, Forms, Label, Named
from legonet.language.methods import MethodForm
from legonet.language.models import ModelForm
from legonet.language.sources import SOURCES, SourceForm
from legonet.language.transforms import Transform
from legonet.language.weights import Loading, WeightsFile

EDGE = ("cat", "tell")
TEXT = """
data digits { source: digits() }
data larger { source: digits(), size: 32 }
network ancestor {
  model: legonet.small_vgg(classes: 1, channels: 4)
  train { data: digits, category: "3", epochs: 1 }
}
network net {
  model: legonet.small_vgg(classes: 1, channels: 8)
  init: ancestor
  train { data: digits, category: "3", epochs: 2 }
}
network other {
  model: legonet.small_vgg(classes: 1, channels: 16)
  train { data: digits, category: "3", epochs: 3 }
}
category cat { from: net, until: "features.4" }
task tell { from: net, after: "features.4" }
adapter cat -> tell { method: back_distillation(), samples: 4 }
"""

BASES = {SourceForm, ModelForm, MethodForm, Transform}
"""What forms have in common, which no spec names."""

PLACES_OF_SOURCES = {"directory", "file", "download", "year"} | {
    *("images", "annotations", "test_images", "test_annotations"),
}
"""Fields of sources that say where pictures are, and no more: their contents count."""
CONTENTS_OF_SOURCES = {"lists", "only", "targets", "leave_out_broken"} | {
    *("boxes", "points", "depth", "depth_unit"),
}
"""Fields that choose pictures and their answers; the tests below show that they count."""

OF_READY_WEIGHTS = {"Network.labels", "Network.goal"}
"""Fields of networks without a recipe, which say what edges are asked and build no network."""


@pytest.fixture
def contents(tmp_path: Path) -> DigestCache:
    return DigestCache(open_index(tmp_path))


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    (tmp_path / "one.safetensors").write_bytes(b"one")
    (tmp_path / "two.safetensors").write_bytes(b"two")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(f'{{"model_type": "{name}"}}')
    spec = load(write_spec(tmp_path, TEXT)).spec
    # It has nothing to load, but the key of what loads weights must tell the ways apart.
    loading = Loading(rename=("a -> b",), excluded=("c",))
    expected = Input(**Input(size=32).model_dump())
    net = spec.networks["net"].model_copy(update={"loading": loading, "input": expected})
    return replace(spec, networks={**spec.networks, "net": net})


def keys_of(spec: Spec, contents: DigestCache) -> dict[str, str]:
    """Return the content keys of the network in the middle and of the edge."""
    graph = ModuleGraph(spec)
    inputs = InputsOfGraph(graph.network, TaskDatasets(graph.spec), contents)
    edge = graph.edge(*EDGE)
    assert edge.learning is not None
    return {
        "network": inputs.network_key("net"),
        "edge": key_of(inputs.of_edge(edge, edge.learning)),
    }


class Walk:
    """Goes through every field of every declaration, and gives another value to one at a time."""

    def __init__(self, spec: Spec, folder: Path) -> None:
        self.spec = spec
        self.folder = folder
        self.seen: set[tuple[type, str]] = set()

    def altered(self, value: BaseModel) -> Iterator[tuple[str, BaseModel]]:
        for name, field in type(value).model_fields.items():
            self.seen.add((type(value), name))
            others = self.others(getattr(value, name), field)
            if name == "folder":
                others = iter([("", self.folder / "two")])
            for label, other in others:
                yield (
                    f"{type(value).__name__}.{name}{label}",
                    value.model_copy(update={name: other}),
                )

    def others(self, value: Any, field: FieldInfo) -> Iterator[tuple[str, Any]]:
        marks = [*field.metadata, *marks_in(field.annotation)]
        forms = next((mark for mark in marks if isinstance(mark, Forms)), None)
        named = next((mark for mark in marks if isinstance(mark, Named)), None)
        choice = next((mark for mark in marks if isinstance(mark, Choice)), None)
        if forms is not None and forms.noun != "layer":
            yield from self.other_forms(value, field, forms)
        elif named is not None:
            names = {"network": ("other", "ancestor"), "data": ("larger", "digits")}[named.kind]
            yield "", next(name for name in names if name != value)
        elif choice is not None:
            yield "", next(name for name in choice.among.own if name != value)
        elif any(isinstance(mark, Label) for mark in marks):
            yield "", "5"
        elif isinstance(value, BaseModel):
            yield from ((f" > {label}", made) for label, made in self.altered(value))
        else:
            yield "", other_value(value, field.annotation, self.folder)

    def other_forms(
        self, value: Any, field: FieldInfo, forms: Forms
    ) -> Iterator[tuple[str, BaseModel]]:
        if forms.forms is SOURCES:
            return
        classes = {forms.forms.get(name) for name in forms.forms.own}
        classes |= {*models_in(field.annotation)} - BASES
        for form in sorted(classes, key=lambda found: found.__name__):
            made = value if type(value) is form else self.sample(form)
            if made is not value:
                yield f" = {form.__name__}", made
            yield from ((f" > {label}", other) for label, other in self.altered(made))

    def sample(self, form: type[BaseModel]) -> BaseModel:
        required = {
            name: self.folder / "one"
            if name == "folder"
            else other_value(None, field.annotation, self.folder)
            for name, field in form.model_fields.items()
            if field.is_required()
        }
        return form.model_construct(**required)


def marks_in(annotation: Any) -> Iterator[Any]:
    yield from getattr(annotation, "__metadata__", ())
    for part in typing.get_args(annotation):
        yield from marks_in(part)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def other_value(value: Any, annotation: Any, folder: Path) -> Any:
    """Return another value of a field; that it is also allowed does not matter for a key."""
    match value:
        case bool():
            return not value
        case Enum():
            return next(item for item in type(value) if item is not value)
        case int() | float():
            return value * 2 + 1
        case str():
            return f"{value}2"
        case tuple():
            return (*value, *value)
        case Path():
            return folder / "two.safetensors"
        case Mapping():
            return {**value, "other": 1}
    samples: dict[type, Any] = {
        bool: True,
        int: 7,
        float: 0.7,
        str: "any",
        Path: folder / "one.safetensors",
    }
    samples[Call] = Call(name="Net", arguments={"classes": 1})
    kinds = {annotation, *typing.get_args(annotation)}
    return next((sample for kind, sample in samples.items() if kind in kinds), "any")


def specs_with(spec: Spec, walk: Walk) -> Iterator[tuple[str, Spec, set[str]]]:
    """Give specs that differ in one field, with the keys that must differ."""
    for label, network in walk.altered(spec.networks["net"]):
        if label in OF_READY_WEIGHTS:
            continue
        yield label, replace(spec, networks={**spec.networks, "net": network}), {"network", "edge"}
    adapter = spec.adapters[EDGE]
    assert adapter.learning is not None
    for label, learning in walk.altered(adapter.learning):
        other = adapter.model_copy(update={"learning": learning})
        yield label, replace(spec, adapters={EDGE: other}), {"edge"}
    for label, category in walk.altered(spec.categories["cat"]):
        yield label, replace(spec, categories={"cat": category}), {"edge"}
    for label, task in walk.altered(spec.tasks["tell"]):
        yield label, replace(spec, tasks={"tell": task}), {"edge"}
    for label, data in walk.altered(spec.data["digits"]):
        yield label, replace(spec, data={**spec.data, "digits": data}), {"network", "edge"}


def declared() -> set[tuple[type, str]]:
    """Return every field of every declaration that something is built from."""
    found: set[type[BaseModel]] = set()
    waiting: list[type[BaseModel]] = [Network, Learning, Category, Task, Data]
    while waiting:
        model = waiting.pop()
        if model in found or model in BASES:
            continue
        found.add(model)
        for field in model.model_fields.values():
            waiting += models_in(field.annotation)
            for mark in (*field.metadata, *marks_in(field.annotation)):
                if isinstance(mark, Forms) and mark.forms not in (SOURCES, LAYERS):
                    waiting += [mark.forms.get(name) for name in mark.forms.own]
    return {(model, name) for model in found for name in model.model_fields}


def without_category(spec: Spec) -> Spec:
    """Return the spec with a network for all categories, which has fields that others have not."""
    net, adapter = spec.networks["net"], spec.adapters[EDGE]
    assert net.train is not None
    assert adapter.learning is not None
    recipe = net.train.model_copy(update={"category": None})
    learning = adapter.learning.model_copy(update={"teacher": "other"})
    return replace(
        spec,
        networks={**spec.networks, "net": net.model_copy(update={"train": recipe})},
        adapters={EDGE: adapter.model_copy(update={"learning": learning})},
    )


def test_every_field_of_every_declaration_counts(
    spec: Spec, contents: DigestCache, tmp_path: Path
) -> None:
    walk = Walk(spec, tmp_path)
    counted, refused = set(), set()
    for start in (spec, without_category(spec)):
        before = keys_of(start, contents)
        changes: dict[str, list[str]] = {}
        for label, other, wanted in specs_with(start, walk):
            try:
                now = keys_of(other, contents)
            except DiagnosticError:
                refused.add(label)
                continue
            assert all(now[kind] != before[kind] for kind in wanted), label
            counted.add(label)
            changes.setdefault(now["edge"], []).append(label)
        assert [labels for labels in changes.values() if len(labels) > 1] == []
    assert refused - counted == set()
    assert declared() - walk.seen == set()


def test_every_field_of_a_source_is_a_place_or_counts() -> None:
    fields = {name for source in SOURCES.own for name in SOURCES.get(source).model_fields}
    assert fields == PLACES_OF_SOURCES | CONTENTS_OF_SOURCES


def test_the_rows_that_a_manifest_keeps_count(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).write_text(name)
    rows = "".join(
        f"{name},cat,{split},{source}\n"
        for source, names in (("x", "ab"), ("y", "cd"))
        for name, split in zip(names, ("train", "test"), strict=True)
    )
    (tmp_path / "manifest.csv").write_text(f"path,category,split,source\n{rows}")
    text = """
let rows = "x"
data cats { source: manifest(".", only: rows) }
network net {
  model: legonet.small_vgg(classes: 1)
  train { data: cats, category: cat }
}
"""
    one, other = (
        plan_of(write_spec(tmp_path, text), f'rows="{source}"').network("net").key
        for source in "xy"
    )
    assert one != other


def test_the_answers_that_are_read_from_a_manifest_count(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("a")
    (tmp_path / "d.npy").write_text("d")
    (tmp_path / "manifest.csv").write_text(
        "path,category,split,where,nose,far\na.png,cat,train,1 2 3 4,1 2,d.npy\n"
    )
    chosen: list[dict[str, Any]] = [
        {},
        {"boxes": "where"},
        {"points": ("nose",)},
        {"depth": "far"},
        {"depth": "far", "depth_unit": 0.5},
    ]
    found = [ManifestSource(tmp_path, **fields).fingerprint(None).values for fields in chosen]
    assert len(set(found)) == len(chosen)


def test_leaving_out_broken_annotations_counts(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("a")
    file = tmp_path / "instances.json"
    file.write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "a.png", "width": 8, "height": 8}],
                "annotations": [
                    {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "iscrowd": 0}
                ],
                "categories": [{"id": 1, "name": "cat"}],
            }
        )
    )
    one, other = (
        open_source(Coco(images=tmp_path, annotations=file, leave_out_broken=left_out)).fingerprint(
            None
        )
        for left_out in (False, True)
    )
    assert one != other


RECIPES = st.fixed_dictionaries(
    {
        "epochs": st.integers(1, 3),
        "seed": st.integers(0, 2),
        "learning_rate": st.sampled_from([1e-3, 1e-2, 1.0]),
        "batch_size": st.integers(1, 3),
        "frozen": st.sampled_from([None, "features.1", "1"]),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(one=RECIPES, other=RECIPES)
def test_two_recipes_share_a_key_exactly_if_they_are_the_same(
    spec: Spec, contents: DigestCache, one: dict[str, Any], other: dict[str, Any]
) -> None:
    found = []
    for fields in (one, other):
        recipe = Recipe(data="digits", category="3", **fields)
        net = spec.networks["net"].model_copy(update={"train": recipe})
        found.append(keys_of(replace(spec, networks={**spec.networks, "net": net}), contents))
    assert (found[0] == found[1]) == (one == other)
    assert (found[0]["edge"] == found[1]["edge"]) == (one == other)


STATEMENTS = (
    "data {digits} {{ source: digits() }}",
    """network {ancestor} {{
    model: legonet.small_vgg(classes: 10, channels: 4), train {{ data: {digits}, epochs: 1 }} }}""",
    """network {net} {{
    model: legonet.small_vgg(classes: 1), init: {ancestor}
    train {{ data: {digits}, category: "3" }} }}""",
    'category {cat} {{ from: {net}, until: "features.4" }}',
    'task {tell} {{ from: {net}, after: "features.4" }}',
    "adapter {cat} -> {tell} {{ samples: 4 }}",
    "path {start} = {cat} -> {tell}",
)
NAMES = ("digits", "ancestor", "net", "cat", "tell", "start")
words = st.from_regex(r"[a-z]{3,9}_[a-z0-9]{1,4}", fullmatch=True)
spaces = st.sampled_from(["\n", "\n\n", "\n# a comment\n", "\n\n#   another\n\n"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    names=st.lists(words, min_size=len(NAMES), max_size=len(NAMES), unique=True),
    order=st.permutations(STATEMENTS),
    between=st.lists(spaces, min_size=len(STATEMENTS), max_size=len(STATEMENTS)),
)
def test_names_order_comments_and_layout_never_count(
    tmp_path: Path, names: list[str], order: list[str], between: list[str]
) -> None:
    plain = "\n".join(STATEMENTS).format(**{name: name for name in NAMES})
    named = dict(zip(NAMES, names, strict=True))
    text = "".join(
        statement.format(**named) + space for statement, space in zip(order, between, strict=True)
    )
    one, other = (plan_of(write_spec(tmp_path, found)) for found in (plain, text))
    assert sorted(step.key for step in one.networks) == sorted(step.key for step in other.networks)
    assert [step.key for step in one.edges] == [step.key for step in other.edges]


def project(folder: Path) -> Path:
    """Write a spec with pictures and weights of its own."""
    for split in ("train", "test"):
        for category in ("cat", "background"):
            (folder / "pictures" / split / category).mkdir(parents=True)
            for number in range(3):
                name = f"{number}.png"
                (folder / "pictures" / split / category / name).write_text(f"{category}{number}")
    (folder / "ready.safetensors").write_bytes(b"weights")
    return write_spec(
        folder,
        """
data animals { source: folder("pictures") }
network ready { model: legonet.small_vgg(classes: 1), weights: "ready.safetensors" }
network net {
  model: torchvision.vgg11(num_classes: 1, dropout: 0.5)
  init: ready
  train { data: animals, category: cat }
}
category cat { from: net, until: "features.4" }
task tell { from: ready, after: "features.4" }
adapter cat -> tell { samples: 2 }
""",
    )


KEYS = """
import sys
from pathlib import Path
from kit.specs import plan_of
plan = plan_of(Path(sys.argv[1]))
print({step.name: step.key for step in (*plan.networks, *plan.edges)})
"""


@pytest.mark.parametrize("hash_seed", ["0", "11"])
def test_other_processes_and_places_find_the_same_keys(tmp_path: Path, hash_seed: str) -> None:
    (tmp_path / "here").mkdir()
    spec = project(tmp_path / "here")
    plan = plan_of(spec)
    moved = Path(shutil.copytree(spec.parent, tmp_path / "far" / "away")) / "renamed.lego"
    (moved.parent / spec.name).rename(moved)
    paths = (Path(__file__).parents[2], Path(legonet.__file__).parents[1])
    printed = subprocess.run(
        [sys.executable, "-c", KEYS, str(moved)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "LEGONET_CACHE_DIR": "",
        },
    ).stdout
    assert printed.strip() == str({s.name: s.key for s in (*plan.networks, *plan.edges)})
    file = moved.parent / "pictures" / "test" / "cat" / "1.png"
    file.write_text("another")
    changed = {s.name for s in plan_of(moved).networks if s.key != plan.network(s.name).key}
    assert changed == {"net"}


def test_a_weights_file_counts_by_its_contents_alone(
    spec: Spec, contents: DigestCache, tmp_path: Path
) -> None:
    network = spec.networks["net"]
    (tmp_path / "twin.safetensors").write_bytes(b"one")
    found = [
        keys_of(
            replace(
                spec,
                networks={
                    **spec.networks,
                    "net": network.model_copy(
                        update={"weights": WeightsFile(file=tmp_path / f"{name}.safetensors")}
                    ),
                },
            ),
            contents,
        )
        for name in ("one", "twin", "two")
    ]
    assert found[0] == found[1]
    assert found[0]["network"] != found[2]["network"]
