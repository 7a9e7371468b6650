"""Pictures are decoded once for all steps of a process that ask for them."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from kit.specs import SMALL, workspace_of, write_spec
from numpy.typing import NDArray

from legonet.building.execution.caches import PictureCache
from legonet.building.execution.resources import Resources
from legonet.data import Pictures, TaskDataset
from legonet.data.sources.digits import DigitsSource
from legonet.goals.classification import Classification

PLUGIN = Path(__file__).parents[2] / "plugin"

EDGES = "".join(
    f"adapter digit_{digit} -> classify {{ layers: [conv(1)], method: transplant(), samples: 4, "
    "unlabelled: 8 }\n"
    for digit in (1, 5, 7)
)


@pytest.fixture(autouse=True)
def counted_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package of a source that counts, for this process and all that it starts."""
    monkeypatch.syspath_prepend(PLUGIN)
    importlib.invalidate_caches()


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_each_set_of_pictures_is_decoded_once(
    tmp_path: Path, executor: Literal["threads", "processes"]
) -> None:
    log = tmp_path / "decoded"
    spec, _, _ = SMALL.partition("adapter")
    text = spec.replace('["1", "3"]', '["1", "3", "5", "7"]').replace(
        "digits()", f'counted(log: "{log}")'
    )
    workspace, plan = workspace_of(write_spec(tmp_path, text + EDGES))
    report = workspace.build(
        plan, lambda event: None, Resources(jobs=1, threads=1, executor=executor)
    )
    assert all(item.artifact is not None for item in (*report.networks, *report.edges))
    decoded = Counter(log.read_text("utf-8").splitlines())
    # Training and test pictures of the ancestor's ten digits, and of four digits alone.
    assert len(decoded) == 10
    assert set(decoded.values()) == {1}


def pictures(count: int) -> Pictures:
    """Return black pictures of 100 bytes each, labels included."""
    images: NDArray[np.uint8] = np.zeros((count, 4, 4, 3), np.uint8)
    return Pictures(images, np.zeros(count, np.int64))


def test_the_cache_drops_what_was_not_asked_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        TaskDataset, "read", lambda self, split: asked.append(split) or pictures(10)
    )
    question = TaskDataset(DigitsSource(), 4, "3", Classification())
    cache = PictureCache(most_bytes=2 * pictures(10).nbytes)
    for contents in ("a", "b", "a", "c", "a", "b"):
        cache.read(contents, question, "train")
    # `b` had to go for `c`, since `a` was asked for later.
    assert len(asked) == 4
    assert cache.read("b", question, "train") is cache.read("b", question, "train")
    cache.read("b", question, "test")
    assert asked[-1] == "test"


def test_a_set_larger_than_the_cache_is_kept_until_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        TaskDataset, "read", lambda self, split: asked.append(split) or pictures(10)
    )
    question = TaskDataset(DigitsSource(), 4, "3", Classification())
    cache = PictureCache(most_bytes=1)
    for contents in ("a", "a", "b", "a"):
        cache.read(contents, question, "train")
    assert len(asked) == 3
