"""What the page tells about an edge and a network, and what it makes of texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit.specs import SEGMENTING, workspace_of, write_spec
from kit.untrained import write_filled
from kit.zoo import ZOO

from legonet.graph import load
from legonet.render.page import page as page_of
from legonet.render.page.assembly import assembled
from legonet.render.page.document import document_of

if TYPE_CHECKING:
    from conftest import Open

pytestmark = pytest.mark.xdist_group("browser")

NEW_LINE = "\n"


def test_an_edge_shows_its_certificate_and_its_statement(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page, "#cat->classify")
    panel = page.locator("#panel")
    text = panel.inner_text()
    for words in (
        "cat → classify",
        "pet_finder",
        "Warning: teacher and student hardly agree",
        "channels that match correlate by 0.48",
        f"zoo.lego:{ZOO[: ZOO.index('adapter cat')].count(NEW_LINE) + 1}",
        'the <one> that "everybody" asks for & likes',
    ):
        assert words in text
    figures = panel.locator(".metrics").inner_text().split()
    assert figures[-5:] == ["rate", "8.5", "%", "6.0", "%"]
    panel.get_by_text("SHA-256").click()
    assert "tensors" in panel.inner_text()
    panel.get_by_role("link", name="cat_net").first.click()
    assert panel.locator("h2").inner_text() == "cat_net"
    assert "epochs" in panel.inner_text()
    assert page.evaluate("location.hash") == "#network:cat_net"


def test_a_loss_curve_is_drawn_with_its_values_on_hover(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page, "#cat->classify")
    chart = page.get_by_role("img")
    said = chart.get_attribute("aria-label") or ""
    assert "task from 2 at step 2 to 0.00222 at step 60" in said
    assert "held out from 0.9 at step 0 to 0.25 at step 60" in said
    assert "logarithmic" in (chart.text_content() or ""), (
        "from 2 to 0.002 a linear axis shows nothing"
    )
    # Of task, gradients, their sum and held out.
    lines = chart.locator("path.curve")
    assert lines.count() == 4
    assert lines.first.evaluate("line => line.getTotalLength()") > 100
    dashes = lines.evaluate_all(
        "lines => lines.map(line => getComputedStyle(line).strokeDasharray)"
    )
    assert len({dash for dash in dashes if dash != "none"}) == 2, (
        "colour is not all that tells them"
    )
    readout = page.locator(".readout")
    place = chart.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + place["width"] * 0.5, place["y"] + place["height"] / 2)
    middle = readout.inner_text()
    chart.focus()
    page.keyboard.press("Home")
    assert readout.inner_text() != middle
    page.keyboard.press("ArrowRight")
    assert readout.inner_text().split() == [
        "step", "2", "task", "2", "gradients", "0.5", "sum", "2.5", "held", "out", "0.9",
    ]  # fmt: skip


def test_a_loss_that_hardly_moves_has_a_linear_axis(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page, "#network:cow_net")
    assert "logarithmic" not in (page.get_by_role("img").text_content() or "")


def test_where_no_curve_is_the_page_says_why(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    for edge, why in (
        ("cat → outline", "stitching is solved, not trained"),
        ("dog → classify", "Nothing was trained here"),
        ("cow → classify", "not built yet"),
    ):
        page.locator(f"#diagram .node[aria-label^='adapter {edge}']").click()
        assert page.get_by_role("img").count() == 0
        assert why in page.locator("#panel").inner_text()


STRANGE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "\"quotes' & `ticks`",
    "<!--<script>",
    "</script x",
    "קטגוריה",
    "فئة",
    "猫と犬" * 30,
    "${alert(3)}",
    "__proto__",
    "constructor",
)


def test_names_are_texts_and_never_markup(tmp_path: Path, open_page: Open) -> None:
    document = document_of(load(write_spec(tmp_path, ZOO)))
    (category,) = (item for item in document["categories"] if item["name"] == "cat")
    (edge,) = (item for item in document["edges"] if item["look"] == "missing"
               and (item["category"], item["task"]) == ("cat", "classify"))  # fmt: skip
    for name in STRANGE:
        document["categories"].append({**category, "name": name})
        document["edges"].append({**edge, "category": name, "reason": name, "warnings": [name]})
    document["texts"] = [text + "".join(STRANGE) for text in document["texts"]]
    document["title"] = STRANGE[1]
    page = open_page(assembled(document))
    assert page.title() == page.locator("h1").inner_text() == STRANGE[1]
    for name in STRANGE:
        page.get_by_role("combobox", name="Category").select_option(name)
        page.get_by_role("combobox", name="Task").select_option("classify")
        assert page.locator("#diagram .red").count() == 3
        assert page.locator("#panel h2").inner_text() == f"{name} → classify"
        assert name in page.locator("#panel .warning").inner_text()
    page.reload()
    assert page.locator("#panel h2").inner_text() == f"{STRANGE[-1]} → classify"
    assert page.locator("img, body script:not([type])").count() == 1, "the page's own script"


def test_strings_of_a_spec_stand_as_they_are(tmp_path: Path, open_page: Open) -> None:
    label = "</script><b>3\u202e"
    text = ZOO.replace('category: "3"', f'category: "{label}"')
    page = open_page(page_of(load(write_spec(tmp_path, text))), "#network:cat_net")
    panel = page.locator("#panel").inner_text()
    assert "</script><b>3\ufffd" in panel
    assert "\u202e" not in page.content()


def test_a_graph_with_nothing_in_it_opens(tmp_path: Path, open_page: Open) -> None:
    page = open_page(page_of(load(write_spec(tmp_path, "# nothing yet\n"))))
    assert page.locator("#diagram").text_content() == "no modules"
    page.get_by_role("button", name="Matrix").click()
    page.keyboard.press("+")


def test_a_joint_path_shows_how_good_it_is_and_what_it_confuses(
    tmp_path: Path, open_page: Open
) -> None:
    text = SEGMENTING + "path which = [digit_1, digit_3] -> classify\n"
    spec = write_filled(tmp_path, text)
    workspace, plan = workspace_of(spec)
    (step,) = plan.joints
    figures = {
        "metrics": {"error_rate": 0.25, "teacher_error_rate": 0.125, "calibration_error": 0.03},
        "labels": ["background", "digit_1", "digit_3"],
        "confusion": [[7, 1, 0], [2, 6, 0], [1, 1, 6]],
    }
    workspace.store.put("joint", step.key, {}, {"inputs": step.inputs, "seconds": 1.0, **figures})
    _, plan = workspace_of(spec)
    page = open_page(page_of(plan.graph, plan))
    paths = page.locator("#panel .paths")
    assert "which [digit_1, digit_3] → classify" in paths.inner_text()
    paths.get_by_text("error rate 25.0 %").click()
    assert "12.5 %" in paths.locator(".metrics").inner_text()
    rows = paths.locator(".confusion tbody tr").all_inner_texts()
    assert [row.split() for row in rows] == [
        ["background", "7", "1", "0"],
        ["digit_1", "2", "6", "0"],
        ["digit_3", "1", "1", "6"],
    ]
    paths.get_by_role("link", name="which").click()
    assert page.locator("#panel h2").inner_text() == "classify"
