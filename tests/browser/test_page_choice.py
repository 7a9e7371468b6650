"""What people choose on the page, and how it lights up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Open
    from playwright.sync_api import Page

pytestmark = pytest.mark.xdist_group("browser")


def _red(page: Page) -> list[str]:
    labels = page.locator("#diagram .node.red").evaluate_all(
        "nodes => nodes.map(node => node.getAttribute('aria-label').split(',')[0])"
    )
    return sorted(labels)


def _route(page: Page) -> str:
    return page.locator("#diagram .route").get_attribute("d") or ""


def _dim(page: Page) -> set[str]:
    found = page.locator("#diagram .node").evaluate_all(
        """nodes => nodes
        .filter(node => getComputedStyle(node.querySelector('.content')).opacity < 1)
        .map(node => node.getAttribute('aria-label').split(',')[0])"""
    )
    return set(found)


def _node(page: Page, label: str) -> None:
    page.locator(f"#diagram .node[aria-label^='{label}']").click()


CAT = ["adapter cat → classify", "category cat", "task classify"]


def test_two_selects_light_up_a_path_that_the_address_keeps(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    assert _red(page) == []
    page.get_by_role("combobox", name="Category").select_option("cat")
    assert _red(page) == []
    page.get_by_role("combobox", name="Task").select_option("classify")
    assert _red(page) == CAT
    assert _route(page)
    red = page.evaluate("getComputedStyle(document.querySelector('.route')).stroke")
    assert red == page.evaluate("getComputedStyle(document.querySelector('.red .box')).stroke")
    assert "built, error 8.5 %, teacher 6.0 %" in page.get_by_role("status").inner_text()
    assert page.evaluate("decodeURIComponent(location.hash)") == "#cat->classify"
    assert "adapter dog → classify" in _dim(page)
    page.reload()
    assert _red(page) == CAT


def test_a_click_on_a_category_and_on_a_task_is_the_same(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    _node(page, "category cat")
    assert page.get_by_role("combobox", name="Category").input_value() != ""
    _node(page, "task classify")
    assert _red(page) == CAT
    page.get_by_role("button", name="Clear").click()
    assert _red(page) == []
    _node(page, "adapter cat → classify")
    assert _red(page) == CAT


def test_where_there_is_no_path_the_page_says_why(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page, "#cow->outline")
    assert _red(page) == []
    assert _route(page) == ""
    assert page.get_by_role("status").inner_text() == "No path: no adapter joins cow and outline."
    assert "adapter cow -> outline { }" in page.locator("#panel").inner_text()
    page.locator("#panel").get_by_role("link", name="cat → outline").click()
    assert "adapter cat → outline" in _red(page)


def test_a_path_that_is_not_built_says_how_far_it_is(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    for category, words in (("cow", "not built yet"), ("horse", "the loss is not finite")):
        page.get_by_role("combobox", name="Category").select_option(category)
        page.get_by_role("combobox", name="Task").select_option("classify")
        assert len(_red(page)) == 3
        assert words in page.get_by_role("status").inner_text()


def test_an_address_of_nothing_chooses_nothing(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    for address in ("#nobody->nothing", "#%E0%A4%A", "#network:", "#->", "#"):
        page.evaluate("address => { location.hash = address; }", address)
        page.reload()
        assert _red(page) == []
        assert page.locator("#panel h2").inner_text() == "All modules"


def test_the_search_finds_kinds_methods_and_names(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    page.keyboard.press("/")
    page.keyboard.type("stitching")
    links = page.locator("#panel a").all_inner_texts()
    assert links == ["cow → classify", "cat → outline"]
    assert page.get_by_role("status").inner_text() == "2 matches"
    assert {"adapter cat → classify", "category cow", "network dog_net"} <= _dim(page)
    assert "adapter cow → classify" not in _dim(page)
    page.keyboard.press("Enter")
    assert "adapter cow → classify" in _red(page)
    page.get_by_role("button", name="← All modules").click()
    assert page.locator("#panel h2").inner_text() == "Found"
    page.get_by_role("searchbox", name="Search").fill("zebra")
    assert "Nothing" in page.locator("#panel").inner_text()
    page.keyboard.press("Escape")
    assert page.locator("#panel h2").inner_text() == "All modules"
    assert _dim(page) == set()


def test_states_can_be_hidden_and_shown(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    states = page.get_by_role("group", name="Show edges by state")
    assert states.get_by_role("button").all_inner_texts() == [
        "○ not built yet 1",
        "● built 2",
        "✕ failed 1",
        "= direct 1",
    ]
    failed = states.get_by_role("button", name="failed")
    failed.click()
    assert failed.get_attribute("aria-pressed") == "false"
    assert _dim(page) == {"adapter horse → classify"}
    assert "horse → classify" not in page.locator("#panel").inner_text()
    failed.click()
    assert _dim(page) == set()


def test_the_keyboard_alone_is_enough(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('node')"):
            break
    inside = "document.activeElement.getAttribute('aria-label').split(',')[0]"
    seen = set()
    for _ in range(8):
        seen.add(page.evaluate(inside))
        page.keyboard.press("ArrowLeft")
    while page.evaluate(inside) != "network base":
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowLeft")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert str(page.evaluate(inside)).startswith("category ")
    while page.evaluate(inside) != "category cat":
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    outline = "getComputedStyle(document.activeElement.querySelector('.box')).strokeWidth"
    assert page.evaluate(outline) == "3px"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert str(page.evaluate(inside)).startswith("task ")
    page.keyboard.press(" ")
    assert len(_red(page)) == 3
    page.keyboard.press("Escape")
    assert _red(page) == []


def test_wheel_buttons_keys_and_drags_move_the_picture(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    diagram = page.locator("#diagram")

    def seen() -> list[float]:
        return [float(number) for number in (diagram.get_attribute("viewBox") or "").split()]

    start = seen()
    diagram.hover()
    page.mouse.wheel(0, -300)
    page.wait_for_function(
        "before => document.getElementById('diagram').getAttribute('viewBox') !== before",
        arg=" ".join(f"{number:g}" for number in start),
    )
    assert seen()[2] < start[2]
    page.keyboard.press("0")
    assert seen()[2] == pytest.approx(start[2])
    page.get_by_role("button", name="Zoom in").click()
    assert seen()[2] < start[2]
    page.keyboard.press("-")
    assert seen()[2] == pytest.approx(start[2])
    node = page.locator("#diagram .node[aria-label^='category cat']").bounding_box()
    assert node is not None
    page.mouse.move(node["x"] + 10, node["y"] + 10)
    page.mouse.down()
    page.mouse.move(node["x"] + 110, node["y"] + 60, steps=4)
    page.mouse.up()
    left = start[0] - 100 * start[2] / diagram.bounding_box()["width"]
    assert seen()[0] == pytest.approx(left, abs=1)
    assert page.locator("#diagram .chosen").count() == 0, "a drag is no click"
    page.keyboard.press("Shift+ArrowRight")
    assert seen()[0] > left + 10


def test_two_fingers_zoom(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page, touch=True)
    before = page.locator("#diagram").get_attribute("viewBox") or ""
    fingers = page.context.new_cdp_session(page)

    def touch(kind: str, *places: int) -> None:
        points = [{"x": x, "y": 400, "id": number} for number, x in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 300, 400)
    for step in range(1, 6):
        touch("touchMove", 300 - 20 * step, 400 + 20 * step)
    touch("touchEnd")
    after = page.locator("#diagram").get_attribute("viewBox") or ""
    assert float(after.split()[2]) < float(before.split()[2]) / 2
