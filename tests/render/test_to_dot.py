from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pygraphviz
import pytest
from pictures import grid, to_dot

from legonet.diagnostics import CODES, DiagnosticError
from legonet.graph import EdgeState, ModuleGraph, State
from legonet.render.composition import MANY_ADAPTERS
from legonet.render.engines import bundled

RED = "#d1242f"
States = Mapping[tuple[str, str], EdgeState]


def read(dot: str) -> Any:
    return pygraphviz.AGraph(string=dot)


def seen_edges(picture: Any) -> set[tuple[str, str]]:
    return {(a, b) for a, b in picture.edges() if picture.get_edge(a, b).attr["style"] != "invis"}


def nodes_of(picture: Any, kind: str) -> set[str]:
    return {node.removeprefix(f"{kind} ") for node in picture.nodes() if node.startswith(kind)}


def places(dot: str, kind: str) -> dict[str, tuple[float, float]]:
    """Return where Graphviz puts the nodes of one kind: to the right, and downwards."""
    lines = (bundled(dot, "plain") or b"").decode().splitlines()
    found = {}
    for line in lines:
        if line.startswith(f'node "{kind} '):
            _, name, rest = line.split('"', 2)
            x, y = rest.split()[:2]
            found[name.removeprefix(f"{kind} ")] = (float(x), -float(y))
    return found


# what is drawn


def test_every_module_and_adapter_is_a_node(animals: ModuleGraph) -> None:
    picture = read(to_dot(animals, {}))
    assert nodes_of(picture, "category") == set(animals.spec.categories)
    assert nodes_of(picture, "task") == {"classify"}
    assert nodes_of(picture, "adapter") == {f"{c} -> {t}" for c, t in animals.spec.adapters}


def test_every_edge_leads_from_its_category_through_its_adapter_to_its_task(
    digits: ModuleGraph,
) -> None:
    edges = seen_edges(read(to_dot(digits, {})))
    for category, task in digits.spec.adapters:
        assert (f"category {category}", f"adapter {category} -> {task}") in edges
        assert (f"adapter {category} -> {task}", f"task {task}") in edges
    joints = [
        edge for edge in edges if "adapter" in edge[0] + edge[1] and "lane" not in "".join(edge)
    ]
    assert len(joints) == 2 * len(digits.spec.adapters)


def test_networks_lead_to_what_comes_from_them(animals: ModuleGraph) -> None:
    picture = read(to_dot(animals, {}))
    edges = seen_edges(picture)
    assert ("network base", "network cat_net") in edges
    assert ("network cat_net", "category cat") in edges
    assert ("task classify", "donor dog_net") in edges
    assert picture.get_edge("task classify", "donor dog_net").attr["dir"] == "back"


def test_a_network_says_where_it_starts_where_no_line_shows_it(digits: ModuleGraph) -> None:
    picture = read(to_dot(digits, {}))
    assert "starts from base" in picture.get_node("donor drawn").attr["label"]
    assert "starts from" not in picture.get_node("donor zero_net").attr["label"]


def test_networks_that_nothing_comes_from_are_named_and_not_drawn(
    animals: ModuleGraph, digits: ModuleGraph
) -> None:
    picture = read(to_dot(animals, {}))
    assert "idle_net" not in nodes_of(picture, "network")
    assert "not used: idle_net" in picture.graph_attr["label"]
    teachers = read(to_dot(digits, {}))
    assert "one_ink" not in nodes_of(teachers, "network")
    assert "taught by one_ink" in teachers.get_node("adapter one -> segment").attr["label"]
    assert "not used" not in teachers.graph_attr["label"]


def test_columns_stand_from_left_to_right(digits: ModuleGraph) -> None:
    dot = to_dot(digits, {})
    columns = [places(dot, kind) for kind in ("category", "adapter", "task")]
    for column in columns:
        assert len({x for x, _ in column.values()}) == 1
    networks = places(dot, "network")
    assert networks["base"] < networks["zero_net"]
    rightmost = max(x for x, _ in networks.values())
    columns.append(places(dot, "donor"))
    ranks = [rightmost, *(next(iter(column.values()))[0] for column in columns)]
    assert ranks == sorted(set(ranks))


def test_columns_keep_the_order_of_the_spec(digits: ModuleGraph) -> None:
    dot = to_dot(digits, {})
    for kind, names in (("category", digits.spec.categories), ("task", digits.spec.tasks)):
        heights = places(dot, kind)
        assert sorted(heights, key=lambda name: heights[name][1]) == list(names)
    adapters = places(dot, "adapter")
    downwards = sorted(adapters, key=lambda name: adapters[name][1])
    assert [name.split(" -> ")[0] for name in downwards] == [
        name for name in digits.spec.categories for _ in range(2)
    ]
    assert [name.split(" -> ")[1] for name in downwards] == ["segment", "classify"] * 4


def test_adapters_stand_by_task_where_there_are_more_tasks() -> None:
    adapters = places(to_dot(grid(2, 3), {}), "adapter")
    downwards = sorted(adapters, key=lambda name: adapters[name][1])
    assert [name.split(" -> ")[1] for name in downwards] == [
        f"task_{number}" for number in range(3) for _ in range(2)
    ]


def test_titles_stand_on_one_line_above_everything(digits: ModuleGraph) -> None:
    dot = to_dot(digits, {})
    heights = {round(y, 3) for _, y in places(dot, "heading").values()}
    assert len(heights) == 1
    nodes = chain.from_iterable(
        places(dot, kind).values() for kind in ("network", "category", "adapter", "task")
    )
    assert heights.pop() < min(y for _, y in nodes)


# what it says


def legend(dot: str) -> str:
    picture = read(dot)  # its attributes live no longer than it does
    return str(picture.graph_attr["label"])


def label(picture: Any, edge: str) -> str:
    return str(picture.get_node(f"adapter {edge}").attr["label"])


def test_an_adapter_says_how_it_is_learned(animals: ModuleGraph, digits: ModuleGraph) -> None:
    cat = label(read(to_dot(animals, {})), "cat -> classify")
    for words in ("3 x 1x1", "back distillation", "20 samples + 200 unlabelled", "not built yet"):
        assert words in cat
    picture = read(to_dot(digits, {}))
    assert "1x1, 3x3" in label(picture, "one -> segment")
    assert "no samples" in label(picture, "one -> segment")
    assert "1 sample<" in label(picture, "one -> classify").replace("</FONT>", "<")
    assert "transplant" in label(picture, "one -> classify")


def test_a_built_edge_shows_its_figures_beside_its_teachers(
    animals: ModuleGraph, in_every_state: States
) -> None:
    picture = read(to_dot(animals, in_every_state))
    assert "error 8.5 %, teacher 6.0 %" in label(picture, "sheep -> classify")
    assert "error 4.1 %" in label(picture, "dog -> classify")
    assert "teacher" not in label(picture, "dog -> classify")


def test_a_segmentation_shows_its_pixel_accuracy(digits: ModuleGraph) -> None:
    metrics = {"pixel_accuracy": 0.8525, "teacher_pixel_accuracy": 0.9, "iou": 0.5}
    states = {("one", "segment"): EdgeState(State.BUILT, metrics)}
    text = label(read(to_dot(digits, states)), "one -> segment")
    assert "pixel accuracy 85.2 %, teacher 90.0 %" in text


def test_tasks_say_their_goal_and_where_they_come_from(digits: ModuleGraph) -> None:
    picture = read(to_dot(digits, {}))
    segment = picture.get_node("task segment").attr["label"]
    assert "segmentation" in segment
    assert "small_fcn after features.4" in segment
    assert "classification" in picture.get_node("task classify").attr["label"]


# states


@pytest.mark.parametrize(
    ("category", "style", "color"),
    [
        ("cat", "dashed", "#70757a"),
        ("cow", "dashed", "#7b3fc4"),
        ("horse", "dotted", "#a50e0e"),
        ("sheep", "solid", "#3f7fb5"),
        ("dog", "solid", "#202124"),
    ],
)
def test_lines_show_the_state(
    animals: ModuleGraph, in_every_state: States, category: str, style: str, color: str
) -> None:
    picture = read(to_dot(animals, in_every_state))
    middle = f"adapter {category} -> classify"
    for edge in ((f"category {category}", middle), (middle, "task classify")):
        attributes = picture.get_edge(*edge).attr
        assert (attributes["style"], attributes["color"]) == (style, color)
    assert style in picture.get_node(middle).attr["style"]


def test_a_direct_edge_is_the_thickest(animals: ModuleGraph, in_every_state: States) -> None:
    picture = read(to_dot(animals, in_every_state))
    width = {
        category: float(
            picture.get_edge(f"category {category}", f"adapter {category} -> {task}").attr[
                "penwidth"
            ]
        )
        for category, task in animals.spec.adapters
    }
    assert max(width, key=lambda category: width[category]) == "dog"


def test_an_edge_without_a_state_is_missing_or_direct(animals: ModuleGraph) -> None:
    known = {
        key: EdgeState(State.DIRECT if item.learning is None else State.MISSING)
        for key, item in animals.spec.adapters.items()
    }
    assert to_dot(animals, {}) == to_dot(animals, known)


def test_the_legend_explains_the_states_that_occur(
    animals: ModuleGraph, in_every_state: States
) -> None:
    text = legend(to_dot(animals, in_every_state))
    for words in ("not built yet: 1", "learning: 1", "failed: 1", "direct, nothing to learn: 1"):
        assert f">{words}<" in text
    assert ">built, at most 5 points behind: 1<" in text
    assert ">comes from<" in text
    assert "failed" not in legend(to_dot(animals, {}))


# paths


def test_a_path_is_red_and_nothing_else(animals: ModuleGraph, in_every_state: States) -> None:
    picture = read(to_dot(animals, in_every_state, path="pet_finder"))
    red_nodes = {node for node in picture.nodes() if picture.get_node(node).attr["color"] == RED}
    assert red_nodes == {"category cat", "adapter cat -> classify", "task classify"}
    red_edges = {edge for edge in picture.edges() if picture.get_edge(*edge).attr["color"] == RED}
    assert red_edges == {
        ("category cat", "adapter cat -> classify"),
        ("adapter cat -> classify", "task classify"),
    }
    assert "pet_finder" in label(picture, "cat -> classify")
    assert RED not in to_dot(animals, in_every_state)


def test_a_red_path_still_shows_its_state(animals: ModuleGraph) -> None:
    states = {("cat", "classify"): EdgeState(State.FAILED)}
    picture = read(to_dot(animals, states, path="pet_finder"))
    edge = picture.get_edge("category cat", "adapter cat -> classify").attr
    assert (edge["color"], edge["style"]) == (RED, "dotted")


def test_all_paths_are_named(animals: ModuleGraph) -> None:
    text = legend(to_dot(animals, {}))
    assert "path pet_finder = cat → classify" in text
    assert "path barn_watch = cow → classify" in text


@pytest.mark.parametrize(
    ("name", "help_line"),
    [
        ("pet_fnder", "a path with a similar name exists: `pet_finder`"),
        ("zzz", "the spec names `pet_finder`, `barn_watch`"),
    ],
)
def test_an_unknown_path_is_explained(animals: ModuleGraph, name: str, help_line: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        to_dot(animals, {}, path=name)
    (found,) = caught.value.diagnostics
    assert (found.code, found.help[0]) == ("LEGO802", help_line)
    assert name in found.message
    assert found.code in CODES


def test_an_unknown_path_of_a_spec_without_any(digits: ModuleGraph) -> None:
    with pytest.raises(DiagnosticError) as caught:
        to_dot(digits, {}, path="pet_finder")
    assert caught.value.diagnostics[0].help[0] == "the spec names no path"


# all sizes


def test_many_adapters_say_less_each_and_where_they_come_from() -> None:
    few, many = grid(MANY_ADAPTERS, 1), grid(MANY_ADAPTERS + 1, 1)
    assert "no samples" in label(read(to_dot(few, {})), "category_0 -> task_0")
    picture = read(to_dot(many, {}))
    brief = picture.get_node("adapter category_0 -> task_0").attr
    assert "no samples" not in brief["label"]
    assert "no samples" in brief["tooltip"]
    assert ">category_0 → task_0<" in brief["label"]


def test_boxes_never_overlap() -> None:
    heights = sorted(y for _, y in places(to_dot(grid(10, 10), {}), "adapter").values())
    assert len(heights) == 100
    assert min(b - a for a, b in pairwise(heights)) > 0.2


@pytest.mark.parametrize("text", ["", "data d { source: digits() }\n"])
def test_a_spec_without_modules_can_be_drawn(
    graph_of: Callable[[str], ModuleGraph], text: str
) -> None:
    picture = read(to_dot(graph_of(text), {}))
    (node,) = picture.nodes()
    assert ">no modules<" in picture.get_node(node).attr["label"]


@pytest.mark.parametrize(("categories", "tasks"), [(2, 0), (0, 2)])
def test_modules_without_adapters_can_be_drawn(categories: int, tasks: int) -> None:
    dot = to_dot(grid(categories, tasks), {})
    assert len(places(dot, "category")) == categories
    assert len(places(dot, "task")) == tasks
    assert "heading adapters" not in dot


# determinism


def test_equal_graphs_give_equal_text(
    graph_of: Callable[[str], ModuleGraph], in_every_state: States, animals: ModuleGraph
) -> None:
    assert to_dot(animals, in_every_state) == to_dot(
        animals, dict(reversed(list(in_every_state.items())))
    )


def test_the_text_does_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    (tmp_path / "many.lego").write_text(
        """
data digits { source: digits() }
for name in [one, two, three, four, five] {
  network ${name}_net { model: legonet.small_vgg(classes: 10), train { data: digits } }
  task ${name} { from: ${name}_net, after: "features.4" }
}
"""
    )
    code = (
        "import sys; from legonet.graph import load; from legonet.render import draw;"
        "sys.stdout.write(draw(load(sys.argv[1])).dot())"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "many.lego")],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1
