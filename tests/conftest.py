"""Fixtures for all tests."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

os.environ["LEGONET_CACHE_DIR"] = ""  # tests leave nothing in the home of who runs them

# No test asks the hub: without a connection each question takes minutes.
os.environ["HF_HUB_OFFLINE"] = "1"

# Commands that tests start compute on one thread, and bits depend on the number of threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if os.environ.get("LEGONET_TESTS_WITHOUT_TORCH"):
    # `tools/test fast` is quick because nothing in it imports torch; here such an import fails.
    sys.modules["torch"] = None  # type: ignore[assignment]

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real pictures beside the project, or a skip that says that they are missing."""
    if not (SHARED_DATA / "README.md").exists():
        pytest.skip(f"the real pictures are missing: no folder {SHARED_DATA}")
    return SHARED_DATA


TRIED = re.compile(r"(\d+) passing,? .*?(\d+) failing")
"""How Hypothesis says in its statistics how many inputs a law was tried on."""

RANDOM_INPUTS = "random inputs"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Note with a law on how many random inputs it was tried."""
    statistics = getattr(item, "hypothesis_statistics", None)
    if call.when == "teardown" and statistics is not None:
        count = sum(int(number) for found in TRIED.findall(statistics) for number in found)
        item.user_properties.append((RANDOM_INPUTS, count))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show on how many random inputs laws were tried, which a nightly run raises."""
    counts = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == RANDOM_INPUTS
    ]
    if counts:
        terminalreporter.write_line(f"{len(counts)} laws, {sum(counts):,} random inputs")
