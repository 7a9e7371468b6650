from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import States, grid, picture

import legonet
from legonet.diagnostics import CODES, DiagnosticError
from legonet.graph import EdgeState, ModuleGraph, State
from legonet.language.declarations import Adapter
from legonet.render import Picture
from legonet.render.built import Size, Sizes
from legonet.render.engines import MOST_PIXELS, pixels_per_inch
from legonet.render.layout import laid_out
from legonet.render.style import points_behind

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"


def texts(drawn: Picture) -> list[str]:
    return [item.text or "" for item in ElementTree.fromstring(drawn.svg()).iter(f"{SVG}text")]


def adapters(drawn: Picture) -> set[str]:
    return set(re.findall(r'^ *"adapter ([^"]*)" \[label', drawn.dot(), flags=re.MULTILINE))


def boxes(drawn: Picture, kind: str) -> list[str]:
    return re.findall(rf'^ *"{kind} ([^"]*)" \[label', drawn.dot(), flags=re.MULTILINE)


def refused(make: object, *arguments: object, **how: object) -> tuple[str, tuple[str, ...]]:
    with pytest.raises(DiagnosticError) as caught:
        make(*arguments, **how)  # type: ignore[operator]
    (found,) = caught.value.diagnostics
    assert found.code in CODES
    return found.code, found.help


# quality


@pytest.mark.parametrize(
    ("metrics", "points"),
    [
        ({"error_rate": 0.0849, "teacher_error_rate": 0.06}, 2.5),
        ({"pixel_accuracy": 0.85, "teacher_pixel_accuracy": 0.9}, 5.0),
        ({"error_rate": 0.04, "teacher_error_rate": 0.06}, -2.0),
        ({"error_rate": 0.04}, None),
        ({}, None),
    ],
)
def test_how_far_an_edge_is_behind_its_teacher(
    metrics: dict[str, float], points: float | None
) -> None:
    assert points_behind(metrics) == points


@pytest.mark.parametrize(
    ("error", "sign"), [(0.06, "●●●"), (0.07, "●●●"), (0.071, "●●○"), (0.11, "●●○"), (0.12, "●○○")]
)
def test_quality_is_shown_by_a_sign_a_colour_and_a_width(
    animals: ModuleGraph, error: float, sign: str
) -> None:
    metrics = {"error_rate": error, "teacher_error_rate": 0.06}
    drawn = picture(animals, {("cat", "classify"): EdgeState(State.BUILT, metrics)})
    assert f"{sign} error {100 * error:.1f} %, teacher 6.0 %" in texts(drawn)
    others = {
        sign: re.search('"category cat" -> .*color="(#.{6})".*penwidth=([^,]*)', drawn.dot())
        for sign, drawn in (
            ("this", drawn),
            ("near", picture(animals, {("cat", "classify"): _behind(0.0)})),
            ("far", picture(animals, {("cat", "classify"): _behind(0.2)})),
        )
    }
    looks = {name: found.groups() for name, found in others.items() if found is not None}
    assert len(looks) == 3
    assert (looks["this"] == looks["near"]) == (sign == "●●●")
    assert (looks["this"] == looks["far"]) == (sign == "●○○")


def _behind(share: float) -> EdgeState:
    return EdgeState(State.BUILT, {"error_rate": share, "teacher_error_rate": 0.0})


def test_what_is_learning_and_what_failed_says_more(animals: ModuleGraph) -> None:
    states = {
        ("cat", "classify"): EdgeState(State.LEARNING, fraction=0.4, message="step 60/150"),
        ("cow", "classify"): EdgeState(State.FAILED, message="it ran out of memory"),
    }
    found = texts(picture(animals, states))
    assert "… learning 40% step 60/150" in found
    assert "✕ failed: it ran out of memory" in found


def test_networks_say_what_becomes_of_them(animals: ModuleGraph) -> None:
    networks = {
        "cat_net": EdgeState(State.LEARNING, fraction=0.25, message="epoch 1/4"),
        "cow_net": EdgeState(State.MISSING),
        "dog_net": EdgeState(State.BUILT),
    }
    dot = picture(animals, networks=networks).dot()
    assert "learning 25% epoch 1/4" in dot
    cow, dog, sheep = (
        re.search(f'"network {name}_net" \\[label=.*?style="([^"]*)"', dot)
        for name in ("cow", "dog", "sheep")
    )
    assert cow is not None
    assert dog is not None
    assert sheep is not None
    assert "dashed" in cow[1]
    assert dog[1] == sheep[1]


def test_sizes_are_said_where_they_are_known(animals: ModuleGraph) -> None:
    sizes = Sizes(
        networks={"cat_net": Size(418_721)},
        categories={"cat": Size(10_144, (32,))},
        adapters={("cat", "classify"): Size(1_057, (32, 64))},
    )
    found = texts(picture(animals, sizes=sizes))
    for text in ("419k parameters", "32 channels, 10.1k parameters", "32 → 64 channels, 1.1k"):
        assert any(text in line for line in found)
    assert not any("parameters" in line for line in texts(picture(animals)))


# what is red


def test_several_applications_are_red(animals: ModuleGraph) -> None:
    drawn = picture(animals, path=["pet_finder", "sheep -> classify", ("horse", "classify")])
    assert drawn == picture(animals).highlight(
        "pet_finder", "sheep->classify", ("horse", "classify")
    )
    found = texts(drawn)
    assert found.count("pet_finder") == 1
    assert "sheep → classify" in found
    assert drawn.description().count("In red:") == 3


def test_two_names_are_two_applications_and_not_one_edge(animals: ModuleGraph) -> None:
    drawn = picture(animals).highlight("pet_finder", "barn_watch")
    assert {item.categories for item in drawn.view.applications} == {("cat",), ("cow",)}


def test_a_joint_path_is_red_along_all_of_its_edges(animals: ModuleGraph) -> None:
    graph = animals.copy().add("path", "farm", category=["cow", "horse"], task="classify")
    drawn = picture(graph, path="farm")
    red = {
        adapter.category
        for bundle in drawn.view.bundles
        if bundle.applications
        for adapter in bundle.adapters
    }
    assert red == {"cow", "horse"}
    assert "path farm = [cow, horse] → classify" in texts(drawn)
    assert "In red: farm, cow and horse to classify." in drawn.description()
    assert not any("farm" in text for text in texts(picture(graph, only=["cow"])))


def test_an_edge_that_has_a_name_is_called_by_it(animals: ModuleGraph) -> None:
    (found,) = picture(animals).highlight(("cow", "classify")).view.applications
    assert found.name == "barn_watch"


def test_an_edge_that_is_not_there_is_explained(animals: ModuleGraph) -> None:
    code, advice = refused(picture(animals).highlight, "kat -> classify")
    assert code == "LEGO806"
    assert "`cat -> classify`" in advice[0]


def test_what_is_red_is_drawn_last(animals: ModuleGraph) -> None:
    drawn = picture(animals, path=["pet_finder"])
    svg = ElementTree.fromstring(drawn.svg())
    colours = [
        path.attrib["stroke"]
        for group in svg.iter(f"{SVG}g")
        if group.get("class") == "edge"
        and ":e->task classify:w" in "".join(group.itertext()).replace("&#45;", "-")
        for path in group.iter(f"{SVG}path")
    ]
    assert len(colours) == 5
    assert colours[-1] == "#d1242f"
    assert "#d1242f" not in colours[:-1]


# a part of a graph


@pytest.mark.parametrize(
    ("patterns", "shown"),
    [
        (["one"], {"one -> segment", "one -> classify"}),
        (["one", "classify"], {"one -> classify"}),
        (["*"], None),
        (["t*"], {"two -> segment", "two -> classify", "three -> segment", "three -> classify"}),
        (["t* -> classify"], {"two -> classify", "three -> classify"}),
        (["one", "t*->segment"], {"one -> segment", "one -> classify", "two -> segment",
                                  "three -> segment"}),
    ],
)  # fmt: skip
def test_patterns_choose_edges(
    digits: ModuleGraph, patterns: list[str], shown: set[str] | None
) -> None:
    drawn = picture(digits, only=patterns)
    every = {" -> ".join(ends) for ends in digits.spec.adapters}
    assert adapters(drawn) == (every if shown is None else shown)
    assert ("shown:" in drawn.dot()) == (shown is not None)


def test_what_is_not_shown_has_no_networks_either(digits: ModuleGraph) -> None:
    drawn = picture(digits, only=["one", "classify"])
    assert boxes(drawn, "network") == ["base", "one_net"]
    assert boxes(drawn, "donor") == ["zero_net"]
    assert "shown: 1 of 8 edges" in drawn.dot()


def test_a_module_without_edges_is_shown_by_its_name() -> None:
    assert boxes(picture(grid(2, 0), only=["category_1"]), "category") == ["category_1"]


@pytest.mark.parametrize("pattern", ["onne", "x*", "one -> segmnt"])
def test_a_pattern_that_chooses_nothing_is_refused(digits: ModuleGraph, pattern: str) -> None:
    code, advice = refused(picture, digits, only=[pattern])
    assert code == "LEGO807"
    assert advice


# groups


def test_modules_stand_in_groups_where_there_are_too_many_edges() -> None:
    graph = grid(6, 2)
    assert len(adapters(picture(graph, collapse=12))) == 12
    drawn = picture(graph, collapse=11)
    assert boxes(drawn, "category") == ["category*"]
    assert adapters(drawn) == {"category* -> task_0", "category* -> task_1"}
    assert "6 edges" in texts(drawn)
    assert "6 not built yet" in texts(drawn)


@given(
    kinds=st.lists(st.sampled_from(list(State)), min_size=12, max_size=12),
    group=st.sampled_from([None, "prefix", "network", "neighbours"]),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_groups_lose_no_edge(kinds: list[State], group: legonet.render.By | None) -> None:
    graph = grid(4, 3)
    states: States = {
        ends: EdgeState(state) for ends, state in zip(graph.spec.adapters, kinds, strict=True)
    }
    drawn = picture(graph, states, collapse=0, group=group)
    found = [adapter for bundle in drawn.view.bundles for adapter in bundle.adapters]
    assert sorted(found, key=repr) == sorted(graph.spec.adapters.values(), key=repr)
    counts = {kind: kinds.count(kind) for kind in State}
    for kind, words in ((State.FAILED, "failed"), (State.MISSING, "not built yet")):
        assert (f">{words}: {counts[kind]}<" in drawn.dot()) == bool(counts[kind])


def test_what_is_red_stands_alone() -> None:
    drawn = picture(grid(6, 2), collapse=0, path=[("category_3", "task_0")])
    assert boxes(drawn, "category") == ["category*", "category_3"]
    assert drawn == picture(grid(6, 2), collapse=0).highlight("category_3->task_0")


def test_names_that_share_nothing_are_grouped_by_their_networks(animals: ModuleGraph) -> None:
    drawn = picture(animals, group="network")
    assert boxes(drawn, "category") == ["from base"]
    assert boxes(drawn, "task") == ["classify"]
    assert boxes(drawn, "network") == []


# where things are


@pytest.mark.parametrize("shape", [(5, 2), (20, 3), (2, 9)])
def test_lines_bend_between_columns_only(shape: tuple[int, int]) -> None:
    diagram = picture(grid(*shape)).diagram(lambda key: "")
    places = laid_out(diagram)
    for line in diagram.lines:
        points = re.findall(r"([-\d.]+),([-\d.]+)", places.lines[line.left, line.right])
        x = [float(a) for a, _ in points[1:] if line.arrow == "right"] or [
            float(a) for a, _ in points
        ]
        if line.arrow != "left":
            assert x == sorted(x), line


def test_boxes_of_a_column_never_overlap() -> None:
    diagram = picture(grid(30, 3)).diagram(lambda key: "")
    places = laid_out(diagram)
    for column in diagram.columns:
        heights = sorted(float(places.boxes[box.name].split(",")[1]) for box in column.boxes)
        assert all(b - a > 12 for a, b in pairwise(heights))


@given(st.floats(10, 1e5), st.floats(10, 1e5))
def test_a_png_is_sharp_or_as_large_as_it_may_be(width: float, height: float) -> None:
    sharp = pixels_per_inch(width, height)
    assert 96 <= sharp <= 144
    if sharp > 96:
        assert width * height * (sharp / 72) ** 2 <= 1.001 * MOST_PIXELS


def test_long_names_do_not_make_wide_boxes() -> None:
    name = "a_very_long_name_" * 20
    graph = ModuleGraph(grid(1, 1).spec)
    spec = graph.spec
    category = next(iter(spec.categories.values()))
    graph = ModuleGraph(type(spec)(networks=spec.networks, categories={name: category}))
    drawn = picture(graph)
    assert f"category module {name}" in drawn.svg()
    assert max(len(text) for text in texts(drawn)) < 60


# links, and those who cannot see it


def test_a_click_leads_from_the_picture_to_the_statement(
    animals: ModuleGraph, tmp_path: Path
) -> None:
    origin = animals.spec.origins[("network", "dog_net")].span
    picture(animals).save(tmp_path / "a.svg")
    found = {
        link.attrib[HREF]
        for link in ElementTree.parse(tmp_path / "a.svg").iter(f"{SVG}a")
        if HREF in link.attrib
    }
    (wanted,) = (link for link in found if link.endswith(f"#L{origin.line}"))
    path, _, _ = wanted.partition("#")
    assert (tmp_path / path).resolve() == Path(origin.source.path)


@pytest.mark.parametrize(
    ("template", "wanted"),
    [("vscode://file{path}:{line}", r"vscode://file/.*/spec\.lego:\d+"), ("", None)],
)
def test_links_lead_where_one_likes(
    animals: ModuleGraph, template: str, wanted: str | None
) -> None:
    svg = ElementTree.fromstring(picture(animals).svg(links=template))
    links = [link.attrib[HREF] for link in svg.iter(f"{SVG}a") if HREF in link.attrib]
    if wanted is None:
        assert links == []
    else:
        assert links
        assert all(re.fullmatch(wanted, link) for link in links)


def test_a_graph_that_stands_in_no_file_has_no_links() -> None:
    assert HREF not in str(ElementTree.fromstring(picture(grid(1, 1)).svg()).attrib)
    assert "#L" not in picture(grid(1, 1)).svg()


def test_a_picture_can_be_read_out(animals: ModuleGraph, in_every_state: States) -> None:
    svg = ElementTree.fromstring(picture(animals, in_every_state, path="pet_finder").svg())
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"] == "Module graph"
    assert svg[0].tag == f"{SVG}title"
    assert svg[1].tag == f"{SVG}desc"
    assert svg[1].text == (
        "5 category modules, 1 task modules and 5 edges between them: 1 not built yet, 1 learning,"
        " 1 built, 1 failed, 1 direct. In red: pet_finder, cat to classify."
    )


def test_a_notebook_shows_it(animals: ModuleGraph) -> None:
    drawn = picture(animals)
    assert drawn._repr_svg_().startswith("<svg")
    assert drawn._repr_svg_() in drawn._repr_html_()
    assert "<?xml" not in drawn._repr_html_()
    assert animals._repr_svg_() == drawn._repr_svg_()


def test_a_graph_with_mistakes_is_shown_as_text(animals: ModuleGraph) -> None:
    direct = Adapter(category="cat", task="classify")  # of two networks, and nothing is learned
    graph = ModuleGraph(replace(animals.spec, adapters={("cat", "classify"): direct}))
    assert graph._repr_svg_() is None
    with pytest.raises(DiagnosticError):
        legonet.draw(graph)


def test_equal_pictures_have_equal_bytes(
    animals: ModuleGraph, in_every_state: States, tmp_path: Path
) -> None:
    for suffix in ("svg", "png"):
        for name in ("one", "two"):
            picture(animals, in_every_state).save(tmp_path / f"{name}.{suffix}")
        assert (tmp_path / f"one.{suffix}").read_bytes() == (
            tmp_path / f"two.{suffix}"
        ).read_bytes()


def test_a_pdf_carries_its_fonts(animals: ModuleGraph, tmp_path: Path) -> None:
    picture(animals).save(tmp_path / "a.pdf")
    assert b"/FontFile" in (tmp_path / "a.pdf").read_bytes()


def test_a_picture_stays_as_it_is_when_the_graph_is_edited(animals: ModuleGraph) -> None:
    graph = animals.copy()
    drawn = legonet.draw(graph)
    before = drawn.dot()
    graph.disconnect("cat", "classify", cascade=True)
    assert drawn.dot() == before
    assert legonet.draw(graph).dot() != before
