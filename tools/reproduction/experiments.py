"""The specs of the tables, built and read as any other spec."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from legonet.build import Plan, Workspace
from legonet.build.event_log import EVENTS
from legonet.graph import load
from legonet.spec import Override

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs" / "paper"
SCALES = ("small", "paper", "tiny")


@dataclass(frozen=True)
class Experiment:
    """One spec at one scale.

    Args:
        name: Of the spec, such as ``table1``.
        scale: Of the networks, one of `SCALES`.
        settings: What ``--set`` gives it.
        store: Where built things live; all experiments of a scale share it.
    """

    name: str
    scale: str
    settings: tuple[str, ...]
    store: Path

    @classmethod
    def of(
        cls, name: str, scale: str, data: Path | None, seeds: int | None, store: Path
    ) -> Experiment:
        """Return the experiment that a command line asks for.

        Args:
            name: Of the spec.
            scale: Of the networks.
            data: The folder with the pictures, where the scale needs any.
            seeds: How many, from 0; those of the scale's spec unless given.
            store: Where built things live.
        """
        settings = [f"scale={scale}"]
        if data is not None:
            settings.append(f"root={json.dumps(str(data.resolve()))}")
        if seeds is not None:
            # The second family is there in any case, for the ancestors that were trained apart.
            settings.append(f"seeds={list(range(seeds))}")
            settings.append(f"families={list(range(max(seeds, 2)))}")
        return cls(name, scale, tuple(settings), store)

    @property
    def spec(self) -> Path:
        """The spec's file."""
        return SPECS / f"{self.name}.lego"

    @property
    def specs(self) -> list[Path]:
        """The spec's file and those that it imports, in the order of their names."""
        origins = self.plan.graph.spec.origins.values()
        found = {Path(origin.span.source.path).resolve() for origin in origins}
        return [self.spec, *sorted(found - {self.spec})]

    def command(self, options: Sequence[str] = ()) -> list[str]:
        """Return the arguments of ``legonet`` that build it."""
        settings = [word for setting in self.settings for word in ("--set", setting)]
        return ["build", str(self.spec), *settings, "--store", str(self.store), *options]

    def build(self, options: Sequence[str] = ()) -> int:
        """Build it as users do, and return the exit code.

        Args:
            options: More of ``legonet build``, such as ``--jobs``.
        """
        command = [sys.executable, "-m", "legonet", *self.command(options)]
        return subprocess.run(command, check=False).returncode

    @cached_property
    def workspace(self) -> Workspace:
        """Where its built things are."""
        return Workspace(self.spec, self.store)

    @cached_property
    def plan(self) -> Plan:
        """What stands of it and what does not, when first asked."""
        settings = [Override.parse(setting) for setting in self.settings]
        return self.workspace.plan(load(self.spec, settings))

    @property
    def wall_seconds(self) -> float:
        """Return how long all builds of the spec took in this store, stopped ones too."""
        spans: dict[str, list[float]] = {}
        for name in (Path(EVENTS).with_suffix(".old.jsonl").name, EVENTS):
            file = self.store / name
            lines = file.read_bytes().splitlines() if file.exists() else []
            for line in map(json.loads, filter(None, lines)):
                if line.get("event") == "build started":
                    if Path(line["spec"]).name != self.spec.name:
                        continue
                    spans[line["build"]] = [line["at"], line["at"]]
                elif line["build"] in spans:
                    spans[line["build"]][1] = line["at"]
        return sum(end - start for start, end in spans.values())
