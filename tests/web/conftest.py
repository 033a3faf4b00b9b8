"""A real browser for the tests of pages: the system's Chromium, without a network of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from criterial.report.html import render
from criterial.score.record import Run

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watched:
    """A page with all that it did by itself."""

    page: Page
    path: Path
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def assert_quiet(self) -> None:
        """Assert that the page opened no dialog, made no error and asked for nothing but its own file."""
        assert self.dialogs == []
        assert self.errors == []
        assert set(self.requests) == {self.path.as_uri()}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    if not CHROMIUM.exists():
        pytest.skip(f"NO BROWSER: {CHROMIUM} is not there (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[[Run | str], Watched]]:
    """Open runs (or whole pages) from files, watched from before they load."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, reduced_motion="reduce")

    def load(content: Run | str) -> Watched:
        path = tmp_path / f"page{len(context.pages)}.html"
        path.write_text(content if isinstance(content, str) else render(content), encoding="utf-8")
        watched = Watched(context.new_page(), path)

        def dismiss(dialog: Dialog) -> None:
            watched.dialogs.append(dialog.message)
            dialog.dismiss()

        watched.page.on("dialog", dismiss)
        watched.page.on("console", lambda message: watched.errors.append(message.text) if message.type in ("error", "warning") else None)
        watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
        watched.page.on("request", lambda request: watched.requests.append(request.url))
        watched.page.goto(path.as_uri())
        watched.page.wait_for_function("!document.querySelector('#map[aria-busy]')")
        return watched

    yield load
    context.close()
