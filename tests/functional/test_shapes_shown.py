"""``legonet check --shapes`` shows what flows through each edge, also where all is well."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.commands import document, legonet
from kit.specs import write_spec

pytestmark = pytest.mark.xdist_group("shapes shown")

SPEC = """
data pictures {
  source: folder("pictures")
  size: 32
}
network small {
  model: legonet.small_vgg(classes: 2, channels: 4)
  weights: "small.safetensors"
  labels: [disc, frame]
  input { mean: [0.5, 0.5, 0.5] }
}
network vit {
  model: timm.test_vit(num_classes: 2, img_size: 32)
  weights: "vit.safetensors"
  labels: [disc, frame]
}
category first { from: small, until: "features.4" }
category second { from: small, until: "features.4" }
category seen { from: vit, until: "blocks.0" }
task answer { from: vit, after: "blocks.0" }
for name in [first, second] {
  adapter ${name} -> answer { data: pictures, unlabelled: 4 }
}
adapter seen -> answer
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import timm
    from PIL import Image
    from safetensors.torch import save_file

    from legonet.modules.small import small_vgg

    tmp_path = tmp_path_factory.mktemp("shown")
    for split in ("train", "test"):
        for name in ("disc", "frame"):
            place = tmp_path / "pictures" / split / name
            place.mkdir(parents=True)
            Image.new("RGB", (32, 32)).save(place / "0.png")
    vit = timm.create_model("test_vit", num_classes=2, img_size=32)
    save_file(vit.state_dict(), tmp_path / "vit.safetensors")
    save_file(small_vgg(2, 4).state_dict(), tmp_path / "small.safetensors")
    write_spec(tmp_path, SPEC)
    return tmp_path


def test_layouts_sizes_and_inputs_are_shown(folder: Path) -> None:
    finished = legonet(folder, "check", "small.lego", "--shapes")
    assert finished.returncode == 0, finished.stderr
    head, *rows, last = finished.stdout.splitlines()
    assert head.split() == ["edge", "gives", "takes", "resized", "pictures", "input"]
    assert last == "1 spec checked, no mistakes"
    assert len(rows) == 2, "edges of the same shapes share a row"
    joined = next(row for row in rows if "first" in row)
    assert "first -> answer and 1 more" in joined
    assert "maps of 4x16x16" in joined
    assert "tokens of " in joined
    assert " to 2x2" in joined
    assert "mean 0.5 0.5 0.5" in joined
    direct = next(row for row in rows if "seen" in row)
    assert "the same, direct" in direct
    assert "size 32" in direct, "as timm publishes it"


def test_edges_are_described_in_json(folder: Path) -> None:
    found = document(legonet(folder, "check", "small.lego", "--shapes", "--json"))
    assert found["diagnostics"] == []
    edges = {(edge["category"], edge["task"]): edge for edge in found["edges"]}
    first, direct = edges["first", "answer"], edges["seen", "answer"]
    assert first["gives"]["layout"] == "maps"
    assert first["takes"]["layout"] == direct["gives"]["layout"] == "tokens"
    assert first["takes"]["prefix"] == 1
    assert first["takes"] == direct["takes"]
    assert first["resized"] is not None
    assert (first["direct"], direct["direct"]) == (False, True)
    plain = document(legonet(folder, "check", "small.lego", "--json"))
    assert plain == {"diagnostics": []}
