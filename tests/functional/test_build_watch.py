"""`legonet build --watch`: each saved edit of a spec is built, until Ctrl-C."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kit.commands import environment
from kit.specs import large_spec, write_spec
from kit.stores import pretend

from legonet.cli import watching
from legonet.language import Override

LONGEST = 60
"""Seconds after which something that should have come is given up."""


class Watching:
    """A command that watches, the documents of its builds, and what it says beside them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._documents = self._lines_of(process.stdout)
        self._said = self._lines_of(process.stderr)

    def build(self) -> Any:
        """Return the document of the next build, when the command waits again."""
        found = json.loads(self._documents.get(timeout=LONGEST))
        while not (line := self._said.get(timeout=LONGEST)).startswith("waiting for an edit of"):
            assert "Traceback" not in line
        self.last_words = line.strip()
        return found

    @property
    def builds_left(self) -> int:
        return self._documents.qsize()

    def _lines_of(self, stream: Any) -> queue.Queue[str]:
        lines: queue.Queue[str] = queue.Queue()

        def read() -> None:
            with stream:
                for line in stream:
                    lines.put(line)

        Thread(target=read, daemon=True).start()
        return lines


@contextmanager
def watching_it(folder: Path, *options: str) -> Iterator[Watching]:
    """Watch a spec; in the end Ctrl-C is good."""
    process = subprocess.Popen(
        [sys.executable, "-m", "legonet", "build", "small.lego", "--watch", "--json", *options],
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        text=True,
    )
    try:
        yield Watching(process)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=LONGEST) == 0
    finally:
        process.kill()
        process.wait()


def save(file: Path, text: str) -> None:
    """Write as many editors do: into another file, which then takes the place of the old one."""
    another = file.with_suffix(".swp")
    another.write_text(text)
    another.replace(file)


def outcomes(document: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in (*document["networks"], *document["edges"]):
        found[item["action"]] = found.get(item["action"], 0) + 1
    return found


def test_each_edit_gives_a_build_and_mistakes_are_shown_until_they_are_mended(
    tmp_path: Path,
) -> None:
    spec = write_spec(tmp_path, large_spec(2, 2))
    pretend(spec)
    with watching_it(tmp_path) as watched:
        assert outcomes(watched.build()) == {"reused": 8}
        assert watched.last_words == "waiting for an edit of small.lego; Ctrl-C ends it"
        save(spec, large_spec(2, 2) + "network {")
        assert [item["code"] for item in watched.build()["diagnostics"]] == ["LEGO104"]
        save(spec, large_spec(2, 1))
        assert outcomes(watched.build()) == {"reused": 5}
        spec.write_text(large_spec(2, 2))
        assert outcomes(watched.build()) == {"reused": 8}
        assert watched.builds_left == 0


def test_imported_files_are_watched_too_and_those_that_are_missing(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    write_spec(tmp_path, 'import "parts/first.lego"\n')
    with watching_it(tmp_path) as watched:
        assert watched.build()["diagnostics"][0]["code"] == "LEGO101"
        write_spec(parts, 'import "second.lego"\n', "first.lego")
        assert watched.build()["diagnostics"][0]["code"] == "LEGO101"
        assert "and 2 files that it imports" in watched.last_words
        write_spec(parts, "data digits { source: digits() }\n", "second.lego")
        assert watched.build()["networks"] == []
        write_spec(parts, "data digits { source: digits( }\n", "second.lego")
        assert "diagnostics" in watched.build()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path, "data digits { source: digits() }")


class Builds:
    """Counts builds, does something in each, and in the end something like Ctrl-C."""

    def __init__(self, *what: Callable[[], None]) -> None:
        self.count = 0
        self._what = what

    def __call__(self) -> None:
        self.count += 1
        if self.count > len(self._what):
            raise KeyboardInterrupt
        self._what[self.count - 1]()


def nothing() -> None:
    """Build, and see no edit meanwhile."""


def run(spec: Path, builds: Builds, *settings: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        watching.watched(spec, [Override.parse(text) for text in settings], builds)


def test_edits_while_a_build_runs_give_one_more_build(spec: Path) -> None:
    def edits() -> None:
        for number in range(5):
            save(spec, f"# {number}\n")

    builds = Builds(edits)
    run(spec, builds)
    assert builds.count == 2


def test_an_edit_that_is_taken_back_while_a_build_runs_is_none(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[watching.DigestCache] = []

    def wait(before: watching.DigestCache) -> None:
        waits.append(before)
        assert watching.contents(before) == before
        raise KeyboardInterrupt

    def edits() -> None:
        text = spec.read_text()
        save(spec, "# another\n")
        save(spec, text)

    monkeypatch.setattr(watching, "wait", wait)
    builds = Builds(edits)
    watching.watched(spec, [], builds)
    assert (builds.count, len(waits)) == (1, 1)


def test_what_changes_beside_the_spec_is_no_edit(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    def watch(*folders: Path, **options: Any) -> Iterator[set[object]]:
        assert spec.parent in folders
        for number in range(3):
            told.append(number)
            (spec.parent / "another.lego").write_text(f"# {number}")
            if number == 2:
                save(spec, "# an edit\n")
            yield set()

    monkeypatch.setattr("watchfiles.watch", watch)
    builds = Builds(nothing)
    run(spec, builds)
    assert (builds.count, told) == (2, [0, 1, 2])


def test_files_that_a_setting_brings_in_are_watched(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, 'let root = "nowhere"\nimport "other.lego"\n')
    other = write_spec(tmp_path, "", "other.lego")
    assert watching.files_of(spec, [Override.parse("root=here")]) == {spec, other}
