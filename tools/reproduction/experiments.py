"""The specs of the tables, built and read as any other spec."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from legonet.building import Plan, Workspace
from legonet.building.event_log import EVENTS
from legonet.graph import load
from legonet.language import Override

ROOT = Path(__file__).resolve().parents[2]
SPECS = ROOT / "specs" / "paper"
SCALES = ("small", "paper", "tiny", "imagenet")

REAL_NETWORKS = "imagenet"
"""The scale with ready weights, which has specs and a page of its own."""


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
        cls,
        name: str,
        scale: str,
        data: Path | None,
        seeds: Sequence[int] | None,
        store: Path,
        more: Sequence[str] = (),
    ) -> Experiment:
        """Return the experiment that a command line asks for.

        Args:
            name: Of the spec.
            scale: Of the networks.
            data: The folder with the pictures, where the scale needs any.
            seeds: Which ones; those of the scale's spec by default.
            store: Where built things live.
            more: More settings.
        """
        settings = [f"scale={scale}"]
        if data is not None:
            settings.append(f"root={json.dumps(str(data.resolve()))}")
        if scale == REAL_NETWORKS:
            name = f"{scale}_{name}"
        if seeds is not None:
            settings.append(f"seeds={list(seeds)}")
            if scale != REAL_NETWORKS:
                # Of two families at least, for the ancestors that were trained apart.
                settings.append(f"families={list(range(max(2, *(seed + 1 for seed in seeds))))}")
        return cls(name, scale, (*settings, *more), store)

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
        """What is built of it and what is not, when first asked."""
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
