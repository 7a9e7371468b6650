"""Random edits of a graph: what is written says the same, and what is undone leaves no trace.

With ``LEGONET_RANDOM_INPUTS=1000`` in the environment each law is tried on so many sequences of
edits, other ones each time; otherwise on 40, always the same ones.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legonet.diagnostics import Diagnostic, SourceText
from legonet.distill.methods import BackDistillation, Stitching
from legonet.graph import ModuleGraph, check_file, load
from legonet.language import Key
from legonet.language.declarations import Adapter
from legonet.language.fields import fields_of
from legonet.syntax import format_text
from legonet.syntax.formatting.comments import Comments

RANDOM_INPUTS = int(os.environ.get("LEGONET_RANDOM_INPUTS", "0"))
MANY = settings(
    max_examples=RANDOM_INPUTS or 40,
    deadline=None,
    derandomize=not RANDOM_INPUTS,
    database=None,
    suppress_health_check=list(HealthCheck),
)

REPOSITORY = Path(__file__).resolve().parents[2]
ODD = """\
# all of it

import "zoo.lego" as zoo   # others
import "common.lego"
let cut="features.4"
let both = [one,   # the first
  two]
data digits {source: digits(),size: 16} # sixteen
# grows
network base { model: legonet.small_vgg( classes: 10 , channels: 8 )
    train {data: digits
      epochs: 3,  # few
      seed: 0}
  }
for kind in both { # each
  # its own network
  network ${kind}_net {
    model: legonet.small_vgg(1)  # one
    init: base,
    train { data: digits, category: kind, epochs: 2 } }
  let name = "${kind}"
  for end in [low, high] {
      network ${name}_${end} { model: legonet.small_vgg(classes: 1), init: ${kind}_net
      # above
        train { data: digits, category: "${name}" }  }
      category ${kind}_${end} { from: ${name}_${end}, until: cut }
  }
  # last
}


# tasks
task classify { from: one_high, after: cut }
task other { from: zoo.lion_net, after: cut }

adapter one_low -> classify
  { }
adapter two_low   ->   classify { layers: [ conv(1),
    # in the middle
    conv(3) ], samples: 20 }
adapter zoo.lion -> classify { teacher: zoo.lion_net  # known
}
for low in [one_low, two_low] { adapter ${low} -> other { samples: 4, unlabelled: 2 } }
path finder=one_low -> classify
# the end""".replace("classify\n  { }", "classify { }")
IMPORTED = """\
# a zoo
data pictures { source: folder("pictures"), size: 32 }
for animal in [lion, tiger] {
  network ${animal}_net {
    model: legonet.small_vgg(classes: 1)
    train { data: pictures, category: animal }  # alone
  }
  category ${animal} { from: ${animal}_net, until: "features.4" }
}
"""
COMMON = (
    'network ready {  # once\n  model: legonet.small_vgg(1)\n  weights: "ready.safetensors"\n}\n'
)
FILES: dict[str, dict[str, str]] = {
    "odd": {"spec.lego": ODD, "zoo.lego": IMPORTED, "common.lego": COMMON},
    "windows": {
        "spec.lego": "\ufeff" + ODD.replace("\n", "\r\n"),
        "zoo.lego": IMPORTED,
        "common.lego": COMMON,
    },
    "tidy": {
        "spec.lego": format_text(SourceText("", ODD)),
        "zoo.lego": IMPORTED,
        "common.lego": COMMON,
    },
    **{
        name: {"spec.lego": (REPOSITORY / "specs" / f"{name}.lego").read_text(encoding="utf-8")}
        for name in ("quickstart", "animals")
    },
    "empty": {"spec.lego": ""},
}
NAMES = ("new", "x1", "one_net", "base", "other")
NAMED = ("data", "network", "category", "task", "path")

Edit = Callable[[ModuleGraph], Any]


@contextmanager
def written(files: dict[str, str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).write_bytes(text.encode())
        yield Path(folder) / "spec.lego"


def in_python(value: Any) -> dict[str, Any]:
    """A statement's fields, as one gives them from Python."""
    block = value.learning if isinstance(value, Adapter) else value
    if block is None:
        return {}
    types = fields_of(type(block))
    fields = {name: getattr(block, field.name) for name, field in types.items()}
    return {name: found for name, found in fields.items() if found is not None}


def put_back(graph: ModuleGraph, statements: dict[Key, Any]) -> None:
    for key, value in statements.items():
        if isinstance(value, Adapter) and value.learning is None:
            graph.connect(*key[1:])
        else:
            graph.add(*key, **in_python(value))  # type: ignore[call-overload]


@st.composite
def edit(draw: st.DrawFn, graph: ModuleGraph, *, destroying: bool) -> tuple[Edit, Edit]:
    """An edit that fits a graph, and the one that undoes it."""
    spec = graph.spec
    kinds = ["add", "rename", "change", *(["remove", "undo field"] if destroying else [])]
    own = [key for key, _ in spec.items() if not any("." in name for name in key[1:])]
    match draw(st.sampled_from(kinds)):
        case "rename" if any(key[0] != "adapter" for key, _ in spec.items()):
            named = [key for key, _ in spec.items() if key[0] != "adapter"]
            kind, old = draw(st.sampled_from(named))
            prefix = old.rpartition(".")[0]
            new = f"{prefix}." * bool(prefix) + draw(st.sampled_from(NAMES))
            if new not in spec.of_kind(kind):
                return (lambda g: g.rename(kind, old, new)), (lambda g: g.rename(kind, new, old))
        case "change" if any(key[0] in ("network", "adapter", "data") for key, _ in spec.items()):
            changeable = [k for k, _ in spec.items() if k[0] in ("network", "adapter", "data")]
            return _change(draw, graph, draw(st.sampled_from(changeable)))
        case "undo field" if spec.networks:
            name = draw(st.sampled_from(sorted(spec.networks)))
            field = draw(st.sampled_from(["init", "weights", "train"]))
            old = getattr(spec.networks[name], field)
            return (
                lambda g: g.change("network", name, **{field: None}),
                lambda g: g.change("network", name, **{field: old}),
            )
        case "remove" if own:
            key = draw(st.sampled_from(own))
            after = graph.copy().remove(*key, cascade=True).spec  # type: ignore[call-overload]
            gone = {key: value for key, value in spec.items() if after.get(key) is None}
            if all(key in own for key in gone):
                return (
                    lambda g: g.remove(*key, cascade=True),
                    lambda g: put_back(g, gone),
                )
    return _add(draw, graph)


def _change(draw: st.DrawFn, graph: ModuleGraph, key: Key) -> tuple[Edit, Edit]:
    before = graph.spec.get(key)
    fields: dict[str, Any]
    match key[0]:
        case "data":
            fields = {"size": draw(st.integers(4, 90))}
        case "network" if getattr(before, "train", None) is not None:
            fields = {"train": {"epochs": draw(st.integers(1, 9)), "seed": draw(st.integers(0, 3))}}
        case "network":
            fields = {"model": f"legonet.small_vgg(classes: {draw(st.integers(1, 3))})"}
        case _:
            choices: dict[str, Any] = {
                "samples": draw(st.integers(0, 99)),
                "layers": draw(st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=3)),
                "method": draw(
                    st.sampled_from(
                        [
                            "back_distillation(preset: experiment3, steps: 7)",
                            BackDistillation(relu_maps="teacher", max_pools="average"),
                            Stitching(ridge=1e-05),
                        ]
                    )
                ),
                "teacher": draw(st.sampled_from(sorted(graph.spec.networks))),
            }
            picked = draw(st.sets(st.sampled_from(sorted(choices)), min_size=1))
            fields = {name: choices[name] for name in sorted(picked)}
    block = before.learning if isinstance(before, Adapter) else before
    if block is None:
        return (
            (
                lambda g: g.change(*key, **fields),
                lambda g: (g.disconnect(*key[1:], cascade=True), g.connect(*key[1:])),
            )
            if not _used(graph, key)
            else _add(draw, graph)
        )
    old = {name: getattr(block, name) for name in fields}
    return (lambda g: g.change(*key, **fields)), (lambda g: g.change(*key, **old))


def _used(graph: ModuleGraph, key: Key) -> bool:
    ends = {edge for path in graph.spec.paths.values() for edge in path.edges}
    direct = graph.copy().disconnect(*key[1:], cascade=True).connect(*key[1:])
    return key[1:] in ends or direct.spec.get(key) != graph.spec.get(key)


def _add(draw: st.DrawFn, graph: ModuleGraph) -> tuple[Edit, Edit]:
    spec = graph.spec
    kind = draw(st.sampled_from(["data", "network", "category", "task", "adapter", "path"]))
    name = "added_" + draw(st.sampled_from("abcdefgh"))
    networks, categories, tasks = sorted(spec.networks), sorted(spec.categories), sorted(spec.tasks)
    fields: dict[str, Any] = {"source": "digits()"}
    if kind == "network":
        fields = {"model": "legonet.small_vgg(2)", "weights": draw(st.sampled_from(["a", "../b"]))}
    elif kind in ("category", "task") and networks:
        cut = "until" if kind == "category" else "after"
        fields = {"network": draw(st.sampled_from(networks)), cut: 'odd "\\" ${name} \t\n'}
    elif kind in ("adapter", "path") and categories and tasks:
        ends = {
            "category": draw(st.sampled_from(categories)),
            "task": draw(st.sampled_from(tasks)),
        }
        key = ("adapter", *ends.values())
        if kind == "adapter" and spec.get(key) is None:
            samples = draw(st.integers(0, 5))
            return (
                lambda g: g.connect(*key[1:], samples=samples),
                lambda g: g.disconnect(*key[1:]),
            )
        several = st.lists(st.sampled_from(categories), min_size=1, max_size=3, unique=True)
        kind, fields = "path", {**ends, "category": draw(several)}
    else:
        kind = "data"
    if name in spec.of_kind(kind):
        return (lambda g: g), (lambda g: g)
    return (lambda g: g.add(kind, name, **fields)), (lambda g: g.remove(kind, name))


def edited(data: st.DataObject, graph: ModuleGraph, *, destroying: bool = True) -> list[Edit]:
    """Edit a graph, and return what undoes it."""
    undoing = []
    for _ in range(data.draw(st.integers(1, 5), label="edits")):
        do, undo = data.draw(edit(graph, destroying=destroying))
        do(graph)
        undoing.append(undo)
    return undoing[::-1]


@MANY
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_what_is_saved_says_what_the_graph_says(name: str, data: st.DataObject) -> None:
    with written(FILES[name]) as file:
        graph = check_file(file)[0]
        for _ in range(2):
            edited(data, graph)
            graph.save(imports=True)
            assert check_file(file)[0] == graph


@MANY
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_an_edit_and_its_inverse_give_the_original_bytes(name: str, data: st.DataObject) -> None:
    with written(FILES[name]) as file:
        before = {path: path.read_bytes() for path in file.parent.iterdir()}
        graph = load(file)
        undoing = edited(data, graph)
        if data.draw(st.booleans(), label="saved between"):
            graph.save(imports=True)
        for undo in undoing:
            undo(graph)
        graph.save(imports=True)
        assert {path: path.read_bytes() for path in file.parent.iterdir()} == before


@MANY
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_comments_survive_where_nothing_is_removed(name: str, data: st.DataObject) -> None:
    with written(FILES[name]) as file:
        before = sum(map(comments, file.parent.iterdir()), Counter[str]())
        graph = load(file)
        edited(data, graph, destroying=False)
        graph.save(imports=True)
        after = sum(map(comments, file.parent.iterdir()), Counter[str]())
        assert set(before) <= set(after)


@MANY
@given(name=st.sampled_from(["quickstart", "animals", "tidy", "empty"]), data=st.data())
def test_a_canonical_text_stays_canonical(name: str, data: st.DataObject) -> None:
    with written(FILES[name]) as file:
        graph = load(file)
        edited(data, graph)
        assert format_text(SourceText("", graph.text())) == graph.text()


@MANY
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_a_graph_is_checked_as_its_saved_file(name: str, data: st.DataObject) -> None:
    with written(FILES[name]) as file:
        graph = load(file)
        edited(data, graph)
        found = graph.check()
        graph.save(imports=True)
        assert list(map(shown, found)) == list(map(shown, check_file(file)[1]))


@MANY
@given(name=st.sampled_from(sorted(FILES)), data=st.data())
def test_graphs_differ_where_they_were_edited(name: str, data: st.DataObject) -> None:
    with written(FILES[name]) as file:
        graph = load(file)
        other = graph.copy()
        edited(data, other)
        difference = graph.diff(other)
        assert bool(difference) == (graph != other)
        assert not graph.diff(load(file))
        back = other.diff(graph)
        assert set(back.added) == set(difference.removed)
        assert set(back.removed) == set(difference.added)
        assert {new: old for old, new in difference.renamed.items()} == back.renamed


@pytest.mark.parametrize("name", FILES)
def test_a_save_without_an_edit_changes_no_byte(name: str) -> None:
    with written(FILES[name]) as file:
        before = {path: path.stat().st_mtime_ns for path in file.parent.iterdir()}
        assert load(file).save(imports=True) == ()
        assert {path: path.stat().st_mtime_ns for path in file.parent.iterdir()} == before
        assert file.read_bytes() == FILES[name]["spec.lego"].encode()


def comments(file: Path) -> Counter[str]:
    text = file.read_bytes().decode("utf-8-sig")
    return Counter(comment for _, comment in Comments(text).take_before(len(text)))


def shown(item: Diagnostic) -> tuple[str, str, int, int]:
    assert item.span is not None
    return item.code, item.message, item.span.line, item.span.column
