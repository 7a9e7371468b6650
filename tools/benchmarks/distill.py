"""How long the distillation term takes, beside the paper's way of computing it.

VGG-16 with random weights, cut after its first five layers; the teacher is the same network with
a fifth of noise on its weights and the filters at the cut in another order. Both ways run in turn
in this process; peak memory is that of processes of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from _paper import Paper, surrogate
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torchvision.models import VGG, vgg16

from legonet.data import Pictures
from legonet.distill.edges import solve
from legonet.distill.edges.edge import Edge
from legonet.distill.edges.edge_context import EdgeContext
from legonet.distill.edges.gradients import Gradients
from legonet.distill.methods import BackDistillation
from legonet.distill.pseudo_gradients.moments import Moments
from legonet.goals.classification import Classification
from legonet.modules.adapter import Adapter
from legonet.modules.cut import bottom, top

CUT = "features.4"
ADAPTERS = {"conv3": (3,), "3xconv1": (1, 1, 1)}
NOISE = 0.2
"""Of the teacher's weights, over their spread."""

BATCH = 8
"""Pairs of one step of the paper's way."""

NEAR = 1.05
"""The reference has come near when its loss is that of the solved adapter times this."""

LOOK = 5
"""Steps between two looks at the reference's loss, which are not counted as its time."""


@dataclass
class Clock:
    """Seconds spent within it, each time apart."""

    seconds: list[float] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure what runs within."""
        started = time.perf_counter()
        yield
        self.seconds.append(time.perf_counter() - started)

    @property
    def median(self) -> float:
        """The middle one of the times."""
        return statistics.median(self.seconds)

    @property
    def total(self) -> float:
        """All of them together."""
        return sum(self.seconds)


def ancestor() -> VGG:
    """Return a VGG-16 with random weights."""
    torch.manual_seed(0)
    return vgg16(weights=None, num_classes=1).eval().requires_grad_(False)


@torch.no_grad()
def teacher(network: VGG, seed: int) -> VGG:
    """Return a network like another one, its channels at the cut in another order."""
    random = torch.Generator().manual_seed(seed)
    made = deepcopy(network)
    for parameter in made.parameters():
        if parameter.dim() > 1:
            scale = NOISE * float(parameter.std())
            # Row by row, so that the peak of memory is not that of making networks.
            for row in parameter:
                row.add_(torch.randn(row.shape, generator=random).mul_(scale))
    filters, reader = made.features[2], made.features[5]
    order = torch.randperm(filters.out_channels, generator=random)
    filters.weight.copy_(filters.weight[order].clone())
    filters.bias.copy_(filters.bias[order].clone())
    reader.weight.copy_(reader.weight[:, order].clone())
    return made


def edge(student: VGG, taught: VGG, size: int) -> Edge:
    """Return an edge without pictures."""
    none = Pictures(np.zeros((0, size, size, 3), np.uint8), np.zeros(0, np.int64), None)
    return Edge(
        category_module=bottom(taught, CUT),
        task_module=top(student, CUT),
        own_category_module=bottom(student, CUT),
        teacher=taught,
        teacher_top=top(taught, CUT),
        goal=Classification(),
        size=size,
        labelled=none,
        unlabelled=none,
        own=none,
        name="category -> task",
    )


def paper(student: VGG, taught: VGG, kernels: tuple[int, ...], size: int, rate: float) -> Paper:
    """Return the reference between two networks."""
    chains = (
        surrogate([*net.features[5:], net.avgpool, nn.Flatten(), *net.classifier])
        for net in (student, taught)
    )
    return Paper(*chains, (64, size // 2, size // 2), 64, kernels, rate)


def context(student: VGG, taught: VGG, size: int) -> EdgeContext:
    """Return an edge made ready."""
    return EdgeContext(edge(student, taught, size), 0, torch.device("cpu"), lambda _: None)


def stepping(gradients: Gradients, kernels: tuple[int, ...]) -> Callable[[], None]:
    """Return legonet's gradient step on the distillation term."""
    adapter = Adapter(64, 64, kernels)
    weights = [conv.weight for conv in adapter.convolutions]
    optimiser = torch.optim.Adam(weights, lr=1e-3)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        gradients.residual(adapter).backward()
        optimiser.step()

    return step


def steps(reference: Paper, step: Callable[[], None], runs: int) -> dict[str, float]:
    """Measure gradient steps of both ways in turn."""
    theirs, ours = Clock(), Clock()
    reference.step(BATCH)
    step()
    for _ in range(runs):
        with theirs.running():
            reference.step(BATCH)
        for _ in range(10):
            with ours.running():
                step()
    return {"paper_seconds": theirs.median, "legonet_seconds": ours.median}


def nearing(reference: Paper, held_out: Moments, goal: float, limit: float) -> dict[str, object]:
    """Train the reference until it has come near a loss on held-out pairs, or time is up."""
    clock = Clock()
    loss, count = float("inf"), 0
    while loss > goal and clock.total < limit:
        for _ in range(LOOK):
            with clock.running():
                reference.step(BATCH)
        count += LOOK
        with torch.no_grad():
            (conv,) = reference.adapter
            loss = float(held_out.residual(conv.weight * reference.alpha_beta))
    return {"seconds": clock.total, "steps": count, "loss": loss, "came_near": loss <= goal}


def solving(student: VGG, taught: VGG, size: int, chosen: argparse.Namespace) -> dict[str, object]:
    """Measure the solved adapter, conv(3), beside the reference's training."""
    made = context(student, taught, size)
    making, alone = Clock(), Clock()
    with making.running():
        options = BackDistillation(pairs=chosen.pairs)
        gradients, held_out = Gradients.draw(made, (3,), options)
    for _ in range(5):
        with alone.running():
            kernel = solve.least_squares(gradients.moments)
    loss = float(held_out.moments.residual(kernel))
    torch.manual_seed(1)
    reference = paper(student, taught, (3,), size, gradients.alpha_beta)
    for group in reference.optimiser.param_groups:
        group["lr"] = chosen.rate
    theirs = nearing(reference, held_out.moments, NEAR * loss, chosen.limit)
    return {
        "making_seconds": making.total,
        "solve_seconds": alone.median,
        "solve_with_making_seconds": making.total + alone.median,
        "loss": loss,
        "paper": {**theirs, "learning_rate": chosen.rate},
    }


SPEC = """\
let cut = "features.4"
data pictures {{ source: manifest("pictures"), size: {size} }}
network task_net {{ model: torchvision.vgg16(num_classes: 1), weights: "task_net.safetensors" }}
task question {{ from: task_net, after: cut }}
for name in [{names}] {{
  network ${{name}}_net {{
    model: torchvision.vgg16(num_classes: 1)
    weights: "${{name}}_net.safetensors"
  }}
  category ${{name}} {{ from: ${{name}}_net, until: cut }}
  {adapter}
}}
"""
ADAPTER = """adapter ${{name}} -> question {{
    layers: [conv(3)]
    method: back_distillation(init: least_squares, steps: 0, pairs: {pairs})
    data: pictures
    samples: 0
  }}"""
"""No picture is learned from; a few are there to be measured on, and say of what size they are."""


def sharing(student: VGG, chosen: argparse.Namespace) -> dict[str, object]:
    """Measure a build of several edges onto one task beside as many builds of one.

    Each is a process of `legonet build`, its start included. The networks are in the store
    before.
    """
    names = [f"category{number}" for number in range(chosen.categories)]
    adapter = ADAPTER.format(pairs=chosen.pairs)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_file(student.state_dict(), folder / "task_net.safetensors")
        for number, category in enumerate(names):
            weights = teacher(student, number + 1).state_dict()
            save_file(weights, folder / f"{category}_net.safetensors")
        noise(folder / "pictures", names, chosen.size)
        built(folder, "apart", SPEC.format(names=", ".join(names), adapter="", size=chosen.size))
        shutil.copytree(folder / "apart", folder / "together", copy_function=os.link)
        seconds, digests = [], {}
        for category in names:
            text = SPEC.format(names=category, adapter=adapter, size=chosen.size)
            seconds.append(built(folder, "apart", text))
            digests |= adapters(folder, "apart")
        text = SPEC.format(names=", ".join(names), adapter=adapter, size=chosen.size)
        together = built(folder, "together", text)
        same = digests == adapters(folder, "together")
    return {
        "categories": chosen.categories,
        "one_build_seconds": together,
        "single_builds_seconds": sum(seconds),
        "single_build_seconds": statistics.median(seconds),
        "same_bits": same,
    }


def noise(folder: Path, categories: Sequence[str], size: int) -> None:
    """Write two pictures of noise for each category and for the background."""
    folder.mkdir()
    random = np.random.default_rng(0)
    rows = ["path,category,split"]
    for category in (*categories, "background"):
        for split in ("train", "test"):
            path = f"{category}_{split}.png"
            pixels = random.integers(0, 256, (size, size, 3), np.uint8)
            Image.fromarray(pixels).save(folder / path)
            rows.append(f"{path},{category},{split}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")


def built(folder: Path, store: str, text: str) -> float:
    """Build a spec in a process of its own, and return the seconds that it took."""
    (folder / "spec.lego").write_text(text)
    started = time.perf_counter()
    legonet(folder, "build", store)
    return time.perf_counter() - started


def adapters(folder: Path, store: str) -> dict[str, str]:
    """Return the digest of each adapter of the spec that was built last."""
    edges = json.loads(legonet(folder, "inspect", store))["edges"]
    return {item["category"]: item["adapter_sha256"] for item in edges}


def legonet(folder: Path, command: str, store: str) -> str:
    """Run a command on the spec, and return what it prints."""
    line = [sys.executable, "-m", "legonet", command, "spec.lego", "--store", store, "--json"]
    return subprocess.run(line, cwd=folder, check=True, capture_output=True, text=True).stdout


def memory(kind: str, size: int, pairs: int) -> float:
    """Return the most memory that one way takes, in megabytes, in a process of its own."""
    command = [sys.executable, __file__, "--only", kind, "--size", str(size), "--pairs", str(pairs)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def only(kind: str, size: int, pairs: int) -> float:
    """Take a few steps one way, and return this process's peak memory in megabytes."""
    student = ancestor()
    taught = teacher(student, 0)
    if kind == "paper":
        reference = paper(student, taught, (3,), size, 1.0)
        for _ in range(3):
            reference.step(BATCH)
    else:
        made = context(student, taught, size)
        gradients, _ = Gradients.draw(made, (3,), BackDistillation(pairs=pairs))
        step = stepping(gradients, (3,))
        for _ in range(3):
            step()
        solve.least_squares(gradients.moments)
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # What Linux counts for getrusage began with the memory of the process that started this one.
    (peak,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def measured(chosen: argparse.Namespace) -> dict[str, object]:
    """Measure all there is."""
    size = chosen.size
    student = ancestor()
    taught = teacher(student, 0)
    found: dict[str, dict[str, float]] = {}
    for name, kernels in ADAPTERS.items():
        made = context(student, taught, size)
        making = Clock()
        with making.running():
            gradients, _ = Gradients.draw(made, kernels, BackDistillation(pairs=chosen.pairs))
        reference = paper(student, taught, kernels, size, gradients.alpha_beta)
        found[name] = steps(reference, stepping(gradients, kernels), chosen.runs)
        found[name]["making_seconds"] = making.total
    solved = solving(student, taught, size, chosen)
    shared = sharing(student, chosen)
    del taught, student
    theirs = solved["paper"]
    ratios = {
        f"step_{name}": item["paper_seconds"] / item["legonet_seconds"]
        for name, item in found.items()
    }
    ratios["solve"] = theirs["seconds"] / solved["solve_seconds"]
    ratios["shared_8"] = shared["one_build_seconds"] / shared["single_builds_seconds"]
    return {
        "machine": {
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "size": size,
        "pairs": chosen.pairs,
        "ratios": {name: round(value, 3) for name, value in ratios.items()},
        "solve_with_making_ratio": theirs["seconds"] / solved["solve_with_making_seconds"],
        "steps": found,
        "solve": solved,
        "shared": shared,
        "megabytes": {kind: memory(kind, size, chosen.pairs) for kind in ("paper", "legonet")},
    }


def show(document: dict) -> None:
    """Print a short table."""
    for name, item in document["steps"].items():
        print(
            f"a step, {name:8} paper {item['paper_seconds']:8.3f} s, legonet"
            f" {item['legonet_seconds'] * 1e3:7.2f} ms: {document['ratios'][f'step_{name}']:.0f}"
            f" times as fast (its pairs and moments {item['making_seconds']:.1f} s, once)"
        )
    solved, shared = document["solve"], document["shared"]
    theirs = solved["paper"]
    least = "" if theirs["came_near"] else "at least "
    print(
        f"solve, conv3      paper {theirs['seconds']:8.1f} s ({theirs['steps']} steps), legonet"
        f" {solved['solve_seconds'] * 1e3:7.2f} ms: {least}{document['ratios']['solve']:.0f} times"
        f" as fast ({document['solve_with_making_ratio']:.1f} times with pairs and moments made,"
        f" {solved['making_seconds']:.1f} s)"
    )
    print(
        f"{shared['categories']} categories      one build {shared['one_build_seconds']:.1f} s, "
        f"single builds {shared['single_builds_seconds']:.1f} s:"
        f" {document['ratios']['shared_8']:.2f}"
        f" (same bits: {shared['same_bits']})"
    )
    print(", ".join(f"{kind} {mb:.0f} MB" for kind, mb in document["megabytes"].items()))


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(prog="tools/bench distill", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one document")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures (default: 64)")
    parser.add_argument("--threads", type=int, default=4, help="of torch (default: 4)")
    parser.add_argument("--runs", type=int, default=5, help="the paper's steps (default: 5)")
    parser.add_argument("--pairs", type=int, default=32, help="to learn from (default: 32)")
    parser.add_argument("--categories", type=int, default=8, help="onto one task (default: 8)")
    parser.add_argument(
        "--rate", type=float, default=1e-2, help="the paper's, the best of 1e-3 to 3e-2 (1e-2)"
    )
    parser.add_argument(
        "--limit", type=float, default=300, help="seconds that the paper's training may take (300)"
    )
    parser.add_argument("--only", choices=("paper", "legonet"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    if chosen.only:
        print(only(chosen.only, chosen.size, chosen.pairs))
        return
    document = measured(chosen)
    if chosen.json:
        print(json.dumps(document, indent=2))
    else:
        show(document)


if __name__ == "__main__":
    main()
