"""How the page looks: light, dark, narrow, wide, large and on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit.specs import large_spec, write_spec

from legonet.graph import load
from legonet.render.page import page as page_of

if TYPE_CHECKING:
    from conftest import Open
    from playwright.sync_api import Page

pytestmark = pytest.mark.xdist_group("browser")

# The ratio of luminance of a text's colour to its ground's, as WCAG 2 defines it.
CONTRAST = """([element, ground]) => {
  const channels = (css) => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = css;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (css) => channels(css)
    .map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const colour = (name) => {
    const probe = document.createElement("i");
    document.body.append(probe);
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return luminance(found);
  };
  const [one, other] = [colour(element), colour(ground)].sort((a, b) => b - a);
  return (one + 0.05) / (other + 0.05);
}"""


def _ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_dark_is_what_the_system_says_until_the_switch_says_else(
    zoo_page: str, open_page: Open
) -> None:
    light, dark = _ground(open_page(zoo_page)), _ground(page := open_page(zoo_page, dark=True))
    assert light != dark
    page.get_by_role("button", name="Light", exact=True).click()
    assert _ground(page) == light
    page.get_by_role("button", name="Dark", exact=True).click()
    assert _ground(page) == dark


@pytest.mark.parametrize("dark", [False, True])
def test_texts_have_the_contrast_that_wcag_asks_for(
    zoo_page: str, open_page: Open, dark: bool
) -> None:
    page = open_page(zoo_page, dark=dark)
    for text, *grounds in (
        ("ink", "paper", "panel", "category", "task", "network", "red-fill"),
        ("soft", "paper", "panel", "category", "task", "network", "red-fill"),
        ("link", "paper", "panel"),
        ("far", "paper", "red-fill"),
        ("learning", "paper", "panel", "red-fill"),
        ("failed", "paper", "panel", "red-fill"),
        ("built", "paper"),
    ):
        for ground in grounds:
            assert page.evaluate(CONTRAST, [text, ground]) >= 4.5, (text, ground)
    for line in ("red", "near", "behind", "way", "link"):
        assert page.evaluate(CONTRAST, [line, "paper"]) >= 3, line


def test_nothing_is_wider_than_the_window(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page)
    for address in ("", "#cat->classify", "#network:cow_net"):
        page.evaluate("address => { location.hash = address; }", address)
        for width in (320, 400, 900, 1600):
            page.set_viewport_size({"width": width, "height": 800})
            for part in ("html", "#panel"):
                wide = page.locator(part).evaluate("part => part.scrollWidth - part.clientWidth")
                assert wide == 0, (part, address, width)
            controls = page.locator("header button, .controls :is(button, input, select)")
            ends = controls.evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).map(box => [box.x, box.right])"
            )
            assert all(0 <= start < end <= width for start, end in ends), (address, width)


def test_nothing_jumps_while_the_page_opens_or_a_path_is_chosen(
    zoo_page: str, open_page: Open
) -> None:
    page = open_page(zoo_page, "#cat->classify")
    page.evaluate("location.hash = '#cow->outline'")
    page.wait_for_function("document.querySelector('#panel h2').textContent.startsWith('cow')")
    shift = page.evaluate(
        """() => new Promise((resolve) => {
          new PerformanceObserver((list) => {
            resolve(list.getEntries().reduce((sum, entry) => sum + entry.value, 0));
          }).observe({ type: "layout-shift", buffered: true });
          requestAnimationFrame(() => requestAnimationFrame(() => resolve(0)));
        })"""
    )
    assert shift == 0


def test_everything_that_can_be_used_has_a_name(zoo_page: str, open_page: Open) -> None:
    page = open_page(zoo_page, "#cat->classify")
    snapshot = page.locator("body").aria_snapshot()
    for line in snapshot.splitlines():
        role = line.strip(" -").split(":")[0].split(" ")[0]
        if role in ("button", "link", "combobox", "searchbox", "img", "region", "group"):
            assert '"' in line or role == "group", line
    for landmark in ("banner", "search", "main", "status"):
        assert f"- {landmark}" in snapshot
    assert page.locator("#diagram .node[tabindex='0']").count() == 1, "one stop on the way"


def test_on_paper_there_is_all_of_the_picture_and_no_controls(
    zoo_page: str, open_page: Open
) -> None:
    page = open_page(zoo_page, "#cat->classify", dark=True)
    page.keyboard.press("+")
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert _ground(page) == "rgb(255, 255, 255)"
    for hidden in (".controls", ".zoom", "#theme"):
        assert not page.locator(hidden).is_visible()
    frame = page.locator("#diagram").bounding_box()
    assert frame is not None
    for node in page.locator("#diagram .node").all():
        box = node.bounding_box()
        assert box is not None
        assert box["x"] >= frame["x"]
        assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
    assert page.locator("details:not([open])").count() == 0


def test_three_hundred_edges_stand_in_a_matrix(tmp_path: Path, open_page: Open) -> None:
    page = open_page(page_of(load(write_spec(tmp_path, large_spec(60, 5)))))
    matrix = page.get_by_role("button", name="Matrix")
    assert matrix.get_attribute("aria-pressed") == "true"
    assert page.locator("#diagram .node.edge").count() == 300
    page.get_by_role("combobox", name="Category").select_option("c57")
    page.get_by_role("combobox", name="Task").select_option("t4")
    assert page.locator("#diagram .red").count() == 3
    for kind in ("category", "task", "edge"):
        box = page.locator(f"#diagram .node.{kind}.red").bounding_box()
        assert box is not None
        assert 0 <= box["y"] <= 800 - box["height"], f"the {kind} is in sight"
    page.get_by_role("searchbox", name="Search").fill("c3 t")
    assert page.locator("#diagram .node.edge.match").count() == 5 * 11  # c3, c30 to c39
    page.get_by_role("button", name="Columns").click()
    assert page.locator("#diagram .node.edge").count() == 300
    boxes = page.locator("#diagram .node.edge").evaluate_all(
        "nodes => nodes.map(node => node.getBoundingClientRect().y)"
    )
    assert len({round(place) for place in boxes}) == 300, "no two of them overlap"
