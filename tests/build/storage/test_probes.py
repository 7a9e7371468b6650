from __future__ import annotations

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from legonet.build.storage.probes import Probes, Seen
from legonet.diagnostics import DiagnosticError

HERE = {"torch": "2.9", "device": "cpu", "threads": 2}
NETWORK = Seen("network", "n" * 64, "cat_net", "0" * 64, ("n" * 64,))
ROUTE = Seen("route", "r" * 64, "cat -> classify", "1" * 64, ("n" * 64, "a" * 64), HERE)
OTHER = "f" * 64


@pytest.fixture
def probes(tmp_path: Path) -> Probes:
    return Probes(tmp_path / "probes.jsonl")


def status(probes: Probes, seen: Seen) -> str:
    record = probes.read().get(seen.identity)
    return "first" if record is None else record.status(seen.sha256)


def test_what_was_seen_is_found_again(probes: Probes) -> None:
    assert status(probes, ROUTE) == "first"
    probes.add([NETWORK, ROUTE])
    assert status(probes, NETWORK) == status(probes, ROUTE) == "unchanged"
    assert status(probes, replace(ROUTE, sha256=OTHER)) == "changed"


def test_names_do_not_count_and_environments_do(probes: Probes) -> None:
    probes.add([ROUTE])
    assert status(probes, replace(ROUTE, name="dog -> classify")) == "unchanged"
    assert status(probes, replace(ROUTE, environment=dict(reversed(HERE.items())))) == "unchanged"
    assert status(probes, replace(ROUTE, environment=HERE | {"threads": 4})) == "first"
    assert status(probes, replace(ROUTE, environment=HERE | {"threads": "2"})) == "first"


def test_what_was_seen_first_counts(probes: Probes) -> None:
    probes.add([ROUTE])
    probes.add([replace(ROUTE, sha256=OTHER)])
    assert status(probes, ROUTE) == "unchanged"
    assert status(probes, replace(ROUTE, sha256=OTHER)) == "changed"


def test_what_depends_on_a_module_that_is_built_again_may_change_once(probes: Probes) -> None:
    probes.add([NETWORK, ROUTE])
    probes.rebuilding("b" * 64)
    assert status(probes, replace(ROUTE, sha256=OTHER)) == "changed"
    probes.rebuilding(NETWORK.key)
    assert status(probes, ROUTE) == "unchanged"
    assert status(probes, replace(ROUTE, sha256=OTHER)) == "rebuilt"
    assert status(probes, replace(NETWORK, sha256=OTHER)) == "rebuilt"
    probes.add([replace(ROUTE, sha256=OTHER)])
    assert status(probes, replace(ROUTE, sha256=OTHER)) == "unchanged"
    assert status(probes, ROUTE) == "changed"


def test_same_bits_keep_the_day_on_which_they_were_seen_first(probes: Probes) -> None:
    probes.add([ROUTE])
    line = json.loads(probes.file.read_bytes())
    line["at"] = "2020-01-01T00:00:00+00:00"
    probes.file.write_text(json.dumps(line))
    probes.rebuilding(NETWORK.key)
    probes.add([ROUTE])
    assert probes.read()[ROUTE.identity].since == line["at"]
    probes.rebuilding(NETWORK.key)
    probes.add([replace(ROUTE, sha256=OTHER)])
    assert probes.read()[ROUTE.identity].since > line["at"]


def test_nothing_to_add_leaves_no_file(probes: Probes) -> None:
    probes.add([])
    assert not probes.file.exists()
    assert probes.read() == {}


@pytest.mark.parametrize("left", range(0, 400, 7))
def test_a_line_that_was_cut_off_spoils_no_other(probes: Probes, left: int) -> None:
    probes.add([NETWORK])
    whole = probes.file.read_bytes()
    probes.file.write_bytes(whole[: min(left, len(whole) - 2)])
    probes.add([ROUTE])
    assert status(probes, ROUTE) == "unchanged"
    assert status(probes, NETWORK) == "first"


@pytest.mark.parametrize(
    "line",
    [
        "1",
        "[]",
        '{"rebuilding": 3}',
        '{"key": "k", "sha256": "s", "modules": "n", "environment": null, "at": "now"}',
        '{"key": "k", "sha256": "s", "modules": [{}], "environment": {"a": [1]}, "at": "now"}',
        '{"key": 1, "sha256": "s", "modules": [], "environment": null, "at": "now"}',
        "\ufffd\x00",
    ],
)
def test_a_strange_line_is_passed_over(probes: Probes, line: str) -> None:
    probes.file.write_text(f"{line}\n", encoding="utf-8")
    probes.add([ROUTE])
    assert status(probes, ROUTE) == "unchanged"
    assert status(probes, replace(ROUTE, sha256=OTHER)) == "changed"


def test_a_file_that_cannot_be_read_is_no_empty_one(probes: Probes) -> None:
    probes.file.mkdir()
    with pytest.raises(DiagnosticError) as caught:
        probes.read()
    assert caught.value.diagnostics[0].code == "LEGO702"


def _write(file: Path, number: int) -> None:
    probes = Probes(file)
    for turn in range(20):
        probes.add([replace(ROUTE, key=f"{number}-{turn}-{part}") for part in range(30)])


def test_two_builds_at_once_lose_nothing(probes: Probes) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(probes.file, number)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert len(probes.read()) == 2 * 20 * 30
