"""How long legonet takes to read specs: large ones, and small ones at the command line.

Every figure is that of a whole process, its start included. Specs come from the generator below.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LEGONET = [sys.executable, "-m", "legonet"]

NETWORK = """\
network {name}_net {{
  model: legonet.small_vgg(classes: 1)
  train {{ data: digits, category: "3", epochs: 5, seed: 0 }}
}}
"""
CATEGORY = NETWORK + "category {name} {{ from: {name}_net, until: cut }}\n"
TASK = NETWORK + "task {name} {{ from: {name}_net, after: cut }}\n"
ADAPTER = """\
adapter {category} -> {task} {{
  layers: [conv(1), conv(1), conv(1)]
  teacher: {category}_net
  method: back_distillation(init: solve, weight: 1, steps: 150)
  data: digits
  samples: 20
}}
"""
HEAD = 'let cut = "features.4"\n\ndata digits { source: digits() }\n'


@dataclass(frozen=True)
class Run:
    """What one process took.

    Args:
        seconds: From its start to its end.
        megabytes: Of memory, at most.
    """

    seconds: float
    megabytes: float


def written(adapters: int) -> str:
    """Return a spec with every adapter written out: 100 categories by so many tasks."""
    categories, tasks = _names(adapters)
    parts = [HEAD]
    parts += (CATEGORY.format(name=name) for name in categories)
    parts += (TASK.format(name=name) for name in tasks)
    parts += (
        ADAPTER.format(category=category, task=task) for category in categories for task in tasks
    )
    return "\n".join(parts)


def loops(adapters: int) -> str:
    """Return a spec that says the same with `for` loops."""
    categories, tasks = (f"[{', '.join(names)}]" for names in _names(adapters))
    adapter = ADAPTER.format(category="${animal}", task="${question}")
    return "\n".join(
        (
            HEAD,
            f"let animals = {categories}",
            f"let questions = {tasks}",
            _loop("animal", "animals", CATEGORY.format(name="${animal}")),
            _loop("question", "questions", TASK.format(name="${question}")),
            _loop("animal", "animals", _loop("question", "questions", adapter)),
        )
    )


def _names(adapters: int) -> tuple[list[str], list[str]]:
    count = max(1, round(adapters**0.5))
    return (
        [f"c{number}" for number in range(count)],
        [f"t{number}" for number in range(adapters // count)],
    )


def _loop(variable: str, values: str, body: str) -> str:
    inner = "".join(f"  {line}\n" for line in body.splitlines())
    return f"for {variable} in {values} {{\n{inner}}}\n"


def measured(command: Sequence[str], folder: Path) -> Run:
    """Run a command once."""
    environment = os.environ | {"LEGONET_CACHE_DIR": str(folder / "cache")}
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024)


def median(runs: Sequence[Run]) -> dict[str, float]:
    """Return the median of the seconds, and the most memory."""
    return {
        "seconds": round(statistics.median(run.seconds for run in runs), 3),
        "megabytes": round(max(run.megabytes for run in runs)),
    }


def large_specs(counts: Sequence[int], runs: int, folder: Path) -> Iterator[dict[str, object]]:
    """Measure `legonet plan`, which parses, checks, compiles and plans.

    Args:
        counts: Numbers of adapters.
        runs: Processes for each figure.
        folder: Where the specs stand meanwhile.
    """
    forms: dict[str, Callable[[int], str]] = {"loops": loops, "written": written}
    for form, text in forms.items():
        for count in counts:
            spec = folder / f"{form}{count}.lego"
            content = text(count)
            command = [*LEGONET, "plan", str(spec), "--json"]
            first, again = [], []
            for number in range(runs):
                # A text that no run before has seen, so that none remembers it.
                spec.write_text(f"{content}# {number}\n")
                first.append(measured(command, folder))
                again.append(measured(command, folder))
            yield {
                "form": form,
                "adapters": count,
                "bytes": len(content),
                "first": median(first),
                "unchanged": median(again),
            }


def commands(runs: int, folder: Path) -> Iterator[dict[str, object]]:
    """Measure the quick commands on a spec of 100 edges, in turn with `python -c pass`."""
    spec = folder / "hundred.lego"
    spec.write_text(written(100))
    lines = {
        "check": ["check", str(spec)],
        "fmt --check": ["fmt", "--check", str(spec)],
        "plan": ["plan", str(spec)],
        "explain": ["explain", "LEGO203"],
    }
    for name, line in lines.items():
        found, bare = [], []
        for _ in range(runs):
            found.append(measured([*LEGONET, *line], folder))
            bare.append(measured([sys.executable, "-c", "pass"], folder))
        yield {"command": name, **median(found), "python_pass_seconds": median(bare)["seconds"]}


def shapes(folder: Path) -> dict[str, object]:
    """Measure `check --shapes` on VGG-16: what torch takes to load, and what an edge adds."""
    seconds = {}
    few, many = 1, 21
    for edges in (few, many):
        spec = folder / f"vgg{edges}.lego"
        networks = "".join(
            f"network n{number} {{\n  model: torchvision.vgg16(num_classes: 1)\n"
            f'  weights: "n{number}.safetensors"\n}}\n'
            f'category c{number} {{ from: n{number}, until: "features.4" }}\n'
            for number in range(edges)
        )
        adapters = "".join(f"adapter c{number} -> t {{ samples: 0 }}\n" for number in range(edges))
        spec.write_text(f'{networks}task t {{ from: n0, after: "features.4" }}\n{adapters}')
        _empty_weights(folder, edges)
        command = [*LEGONET, "check", "--shapes", str(spec)]
        seconds[edges] = median([measured(command, folder) for _ in range(3)])["seconds"]
    return {
        "first_edge_with_torch_seconds": seconds[few],
        "another_edge_seconds": round((seconds[many] - seconds[few]) / (many - few), 3),
    }


def _empty_weights(folder: Path, count: int) -> None:
    """Write headers of VGG-16 weights over files with holes, which take no room."""
    import torch
    from torchvision.models import vgg16

    with torch.device("meta"):
        state = vgg16(num_classes=1).state_dict()
    header, offset = {}, 0
    for name, tensor in state.items():
        end = offset + tensor.numel() * 4
        header[name] = {
            "dtype": "F32",
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    encoded = json.dumps(header).encode()
    for number in range(count):
        with (folder / f"n{number}.safetensors").open("wb") as file:
            file.write(len(encoded).to_bytes(8, "little") + encoded)
            file.truncate(8 + len(encoded) + offset)


def growth(specs: Sequence[dict], form: str) -> float | None:
    """Return how the time of the largest spec relates to that of a spec of a tenth, times ten.

    1 is exactly linear; less means that part of the time does not grow at all.
    """
    seconds = {item["adapters"]: item["first"]["seconds"] for item in specs if item["form"] == form}
    largest = max(seconds)
    tenth = seconds.get(largest // 10)
    return None if tenth is None else round(seconds[largest] / (10 * tenth), 2)


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="tools/bench language", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--runs", type=int, default=3, help="processes for a figure (default: 3)")
    parser.add_argument(
        "--adapters", type=int, nargs="+", default=[1000, 10_000], help="sizes of the large specs"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        specs = list(large_specs(chosen.adapters, chosen.runs, folder))
        document = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "specs": specs,
            "growth": {form: growth(specs, form) for form in ("loops", "written")},
            "commands": list(commands(max(5, chosen.runs), folder)),
            "shapes": shapes(folder),
        }
    if chosen.json:
        print(json.dumps(document, indent=2))
        return
    for item in document["specs"]:
        print(
            f"{item['adapters']:>6} adapters, {item['form']:8}"
            f" {item['first']['seconds']:6.2f} s, unchanged {item['unchanged']['seconds']:6.2f} s,"
            f" {item['first']['megabytes']} MB"
        )
    for item in document["commands"]:
        print(
            f"{item['command']:12} {item['seconds']:5.2f} s on 100 edges"
            f" (python -c pass: {item['python_pass_seconds']:.2f} s)"
        )
    print(f"growth over linear: {document['growth']}")
    print(f"check --shapes, VGG-16: {document['shapes']}")


if __name__ == "__main__":
    main()
