"""Shapes of networks cost little: torch's compiler stays out of the process."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from legonet.modules.models import instantiate
from legonet.modules.small import SmallVgg
network = instantiate(SmallVgg(classes=2), device="meta")
assert all(tensor.is_meta for tensor in network.parameters())
assert "torch._dynamo" not in sys.modules, "torch's compiler was imported"
"""


def test_a_network_of_shapes_does_not_import_the_compiler() -> None:
    # torchvision imports it by itself, so the network is one of ours.
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
