"""A spec that builds in seconds, with paths of every kind that can be exported."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from kit.specs import build_of, write_spec
from legonet.language.models import LibraryModel
from legonet.modules.models import instantiate

SPEC = """
let cut = "features.4"
data digits { source: digits() }

for digit in ["1", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1, channels: 2)
    train { data: digits, category: digit, epochs: 1, batch_size: 256 }
  }
  category digit_${digit} { from: net_${digit}, until: cut }
}
network ink_net {
  model: legonet.small_fcn(classes: 1, channels: 2)
  init: net_3
  train {
    data: digits, category: "3", goal: segmentation, epochs: 1, batch_size: 256, frozen: cut
  }
}
network which_net {
  model: legonet.small_vgg(classes: 10, channels: 2)
  train { data: digits, epochs: 1, batch_size: 256 }
}
network residual_net {
  model: torchvision.resnet18(num_classes: 1)
  weights: "residual.safetensors"
}

category deep_1 { from: net_1, until: "features.9" }
category any { from: which_net, until: cut }
task classify { from: net_3, after: cut }
task ink { from: ink_net, after: cut }
task which { from: which_net, after: cut }
task residual { from: residual_net, after: "layer1" }

adapter any -> which
adapter digit_1 -> classify { layers: [conv(1), conv(3)], method: stitching() }
adapter digit_3 -> ink { teacher: ink_net, method: stitching() }
adapter deep_1 -> residual { method: stitching() }

path read_one = digit_1 -> classify
path find_three = digit_3 -> ink
path read_any = any -> which
path read_deeply = deep_1 -> residual
"""

PATHS = ("read_one", "find_three", "read_any", "read_deeply")


def build_exported(folder: Path) -> Path:
    """Build the spec in a folder, and return its file."""
    residual = LibraryModel(library="torchvision", name="resnet18", arguments={"num_classes": 1})
    save_file(instantiate(residual).state_dict(), folder / "residual.safetensors")
    spec = write_spec(folder, SPEC)
    # Networks that have hardly learned anything may be at chance: such edges fail, and are kept.
    for item in build_of(spec).edges:
        assert item.outcome == "direct" or item.artifact is not None
        assert item.outcome != "failed" or item.artifact.failure is not None
    return spec
