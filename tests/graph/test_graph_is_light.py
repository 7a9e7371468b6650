"""Reading and checking specs loads none of the heavy libraries."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = (
    "networkx",
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "sklearn",
    "scipy",
    "PIL",
    "matplotlib",
)

CHECK = """
import sys
from pathlib import Path
from legonet.graph import check_file
from legonet.diagnostics.text import to_text
from legonet.diagnostics.json import to_json
graph, found = check_file(Path(sys.argv[1]))
[to_text(item) for item in found], [to_json(item) for item in found]
print(*sorted(set(sys.argv[2:]) & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "spec",
    [
        'network a { model: torchvision.vgg16(), weights: torchvision("IMAGENET1K_V1") }\n',
        "data pictures { source: digits() }\nnetwork a { model: torchvision.vgg61() }\n",
    ],
)
def test_checking_a_spec_loads_no_heavy_library(spec: str, tmp_path: Path) -> None:
    file = tmp_path / "spec.lego"
    file.write_text(spec)
    ran = subprocess.run(
        [sys.executable, "-c", CHECK, str(file), *HEAVY], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == []
