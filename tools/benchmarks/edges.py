"""How long edges take, beside a plain PyTorch script that does the same job for one edge.

Small VGG and EfficientNet-Lite0 from random weights on digits, a category network for each digit.
One edge, and eight onto one task: `legonet build` of adapters alone, whose networks are there, in
turn with the script (`_plain_edge.py`), which runs once for each edge. All are processes of their
own and pay for their start.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("_plain_edge.py")
EDGES = 8

SETTINGS = {
    "small VGG, 40 px": ("small_vgg", "legonet.small_vgg(classes: 1)", "features.4", 40),
    "small VGG, 64 px": ("small_vgg", "legonet.small_vgg(classes: 1)", "features.4", 64),
    "EfficientNet-Lite0, 96 px": (
        "tf_efficientnet_lite0",
        "timm.tf_efficientnet_lite0(num_classes: 1)",
        "blocks.2",
        96,
    ),
}

NETWORK = """\
network net_{digit} {{
  model: {model}
  train {{ data: digits, category: "{digit}", epochs: 1, seed: {digit} }}
}}
"""
ADAPTER = """\
category c{digit} {{ from: net_{digit}, until: "{cut}" }}
adapter c{digit} -> classify {{
  layers: [conv(1)]
  method: {method}
  unlabelled: 200
}}
"""


@dataclass(frozen=True)
class Run:
    """What one way took.

    Args:
        seconds: By the clock.
        work: Without the start of processes: the work of one edge, or of all together.
        memory: Megabytes of the largest process.
    """

    seconds: float
    work: float
    memory: float


class Setting:
    """A kind of network, built once.

    Args:
        folder: Where everything is.
        name: A key of `SETTINGS`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.plain, self.model, self.cut, self.size = SETTINGS[name]
        networks = self._networks()
        spec = self._write("networks.lego", networks)
        self._legonet(spec, self.folder / "networks")
        store = self.folder / "networks"
        listed = subprocess.run(
            [sys.executable, "-m", "legonet", "store", "ls", "--store", store, "--json"],
            capture_output=True,
            check=True,
        )
        self.files = {
            user.rpartition(" ")[2]: store / "networks" / f"{item['key']}.safetensors"
            for item in json.loads(listed.stdout)["artifacts"]
            for user in item["users"]
        }

    def legonet(self, edges: int, steps: int) -> Run:
        """Build some edges, and nothing else."""
        method = f"output_distillation(init: stitching, steps: {steps})" if steps else "stitching()"
        adapters = [
            ADAPTER.format(digit=digit, cut=self.cut, method=method)
            for digit in range(1, edges + 1)
        ]
        task = f'task classify {{ from: net_0, after: "{self.cut}" }}\n'
        spec = self._write("edges.lego", self._networks() + task + "".join(adapters))
        store = self.folder / "edges"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.folder / "networks", store)
        before = len((store / "events.jsonl").read_bytes().splitlines())
        seconds = self._legonet(spec, store)
        lines = (store / "events.jsonl").read_text().splitlines()[before:]
        done = [line for line in map(json.loads, lines) if line["event"] == "finished"]
        if len(done) != edges:
            raise SystemExit(f"expected {edges} edges, built {len(done)}")
        memory = max(line["memory"] for line in done)
        return Run(seconds, sum(line["seconds"] for line in done), memory / 1e6)

    def script(self, edges: int, steps: int) -> Run:
        """Run the plain script for one edge after another."""
        seconds = work = memory = 0.0
        for digit in range(1, edges + 1):
            files = [str(self.files[f"net_{which}"]) for which in (digit, 0)]
            started = time.perf_counter()
            process = subprocess.Popen(
                [
                    sys.executable,
                    SCRIPT,
                    self.plain,
                    *files,
                    str(digit),
                    str(self.size),
                    str(steps),
                ],
                stdout=subprocess.PIPE,
            )
            with process:
                words = process.stdout.read() if process.stdout else b""
                _, code, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(code)
            if process.returncode:
                raise SystemExit("the plain script failed")
            seconds += time.perf_counter() - started
            work += json.loads(words)["seconds"]
            memory = max(memory, usage.ru_maxrss * 1024 / 1e6)
        return Run(seconds, work, memory)

    def _networks(self) -> str:
        return f"data digits {{ source: digits(), size: {self.size} }}\n" + "".join(
            NETWORK.format(digit=digit, model=self.model) for digit in range(EDGES + 1)
        )

    def _write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.write_text(text)
        return file

    def _legonet(self, spec: Path, store: Path) -> float:
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "legonet", "build", spec, "--store", store],
            capture_output=True,
            check=False,
        )
        # An edge at chance is a failed edge, which is as much work.
        if done.returncode not in (0, 3):
            raise SystemExit(done.stderr.decode())
        return time.perf_counter() - started


def compared(setting: Setting, edges: int, steps: int, runs: int) -> dict[str, Any]:
    """Return how both ways compare, as medians over runs in turn."""
    ours: list[Run] = []
    plain: list[Run] = []
    for _ in range(runs):
        ours.append(setting.legonet(edges, steps))
        plain.append(setting.script(edges, steps))
    ratios = [one.seconds / other.seconds for one, other in zip(ours, plain, strict=True)]
    return {
        "edges": edges,
        "steps": steps,
        "legonet": _median(ours),
        "script": _median(plain),
        "ratio": round(statistics.median(ratios), 2),
        "ratio_from_to": [round(min(ratios), 2), round(max(ratios), 2)],
        "ratio_of_work": round(
            statistics.median(a.work / b.work for a, b in zip(ours, plain, strict=True)), 2
        ),
    }


def _median(runs: Sequence[Run]) -> dict[str, float]:
    return {
        name: round(statistics.median(getattr(run, name) for run in runs), 1)
        for name in ("seconds", "work", "memory")
    }


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="tools/bench edges", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--runs", type=int, default=3, help="of each way, in turn (3)")
    parser.add_argument("--steps", type=int, default=150, help="gradient steps of an edge (150)")
    parser.add_argument("--only", choices=SETTINGS, help="a single setting")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    document: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "settings": {},
    }
    for name in [chosen.only] if chosen.only else SETTINGS:
        with tempfile.TemporaryDirectory() as folder:
            setting = Setting(Path(folder), name)
            document["settings"][name] = [
                compared(setting, edges, steps, chosen.runs)
                for edges, steps in ((1, chosen.steps), (EDGES, 0), (EDGES, chosen.steps))
            ]
    print(json.dumps(document, indent=2) if chosen.json else readable(document))


def readable(document: dict[str, Any]) -> str:
    """Return a document as lines for a person."""
    lines = [f"{document['machine']['cores']} cores; seconds and megabytes, medians"]
    for name, rows in document["settings"].items():
        lines.append(name)
        for row in rows:
            kind = f"{row['steps']} steps" if row["steps"] else "solved"
            many = "1 edge, " if row["edges"] == 1 else f"{row['edges']} edges, "
            ours, plain = row["legonet"], row["script"]
            low, high = row["ratio_from_to"]
            lines.append(
                f"  {many + kind:<20} legonet {ours['seconds']:>6.1f} s, {ours['memory']:.0f} MB;"
                f"  script {plain['seconds']:>6.1f} s, {plain['memory']:.0f} MB;"
                f"  ratio {row['ratio']:.2f} ({low:.2f} to {high:.2f}),"
                f" of the work alone {row['ratio_of_work']:.2f}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
