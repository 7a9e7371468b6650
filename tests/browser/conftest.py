"""Pages in a headless Chromium, opened from disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kit.zoo import zoo_plan

from legonet.render.page import page as page_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

Open = Callable[..., "Page"]
"""Opens the text of a page: ``open_page(text, address, width=1280, dark=False, touch=False)``."""

Contexts = Callable[[bool, bool], "BrowserContext"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A headless Chromium, or a skip that says how to get one.

    Playwright keeps an event loop in the thread of the tests, where other tests begin their own, so
    that it ends with each module.
    """
    api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with api.sync_playwright() as playwright:
        # Containers have neither a GPU nor the user namespaces of Chromium's own sandbox.
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def zoo_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a graph with an edge in every state that a store can know at rest."""
    plan = zoo_plan(tmp_path_factory.mktemp("zoo"))
    return page_of(plan.graph, plan)


@pytest.fixture(scope="module")
def contexts(chromium: Browser) -> Iterator[Contexts]:
    """Browser windows by what they look like; to begin one takes longer than most tests."""
    known: dict[tuple[bool, bool], BrowserContext] = {}

    def context(dark: bool, touch: bool) -> BrowserContext:
        if (dark, touch) not in known:
            known[dark, touch] = chromium.new_context(
                color_scheme="dark" if dark else "light", reduced_motion="reduce", has_touch=touch
            )
        return known[dark, touch]

    yield context
    for window in known.values():
        window.close()


@pytest.fixture
def open_page(contexts: Contexts, tmp_path: Path) -> Iterator[Open]:
    """Opens pages; none of them may ask for anything, or tell the console of any trouble."""
    pages = []
    asked: list[str] = []
    troubles: list[str] = []

    def opened(
        text: str, address: str = "", *, width: int = 1280, dark: bool = False, touch: bool = False
    ) -> Page:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        page = contexts(dark, touch).new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": 800})
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("dialog", lambda dialog: troubles.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{file.as_uri()}{address}")
        return page

    yield opened
    for page in pages:
        page.close()
    assert troubles == []
    assert all(url.startswith(f"{tmp_path.as_uri()}/page.html") for url in asked)
