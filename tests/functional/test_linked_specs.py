"""A link to a spec is the spec that it leads to: pictures and the store are beside that."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from kit.commands import actions, document, legonet
from kit.specs import TINY, write_spec
from kit.untrained import fill_store
from PIL import Image

PICTURES = """
data pets { source: folder("pets"), size: 16 }
network net {
  model: legonet.small_vgg(classes: 1, channels: 1)
  train { data: pets, category: "cat", epochs: 1 }
}
"""


@pytest.fixture
def real(tmp_path: Path) -> Path:
    folder = tmp_path / "real"
    folder.mkdir()
    (tmp_path / "elsewhere").mkdir()
    return folder


def test_what_is_built_is_found_through_any_link(real: Path) -> None:
    spec = write_spec(real, TINY, "small.lego")
    fill_store(spec)
    link = real.parent / "elsewhere" / "linked.lego"
    link.symlink_to(spec)
    (real.parent / "elsewhere" / "twice.lego").symlink_to("linked.lego")
    for name in ("linked.lego", "twice.lego"):
        planned = document(legonet(link.parent, "plan", "--json", name))
        assert set(actions(planned).values()) == {"reuse"}
        assert planned["to_build"] == 0
    assert not (link.parent / ".legonet").exists()


def test_a_build_through_a_link_leaves_its_store_beside_the_spec(real: Path) -> None:
    write_spec(real, TINY, "small.lego")
    link = real.parent / "elsewhere" / "linked.lego"
    link.symlink_to("../real/small.lego")
    assert legonet(link.parent, "build", "linked.lego").returncode in (0, 3)
    assert (real / ".legonet" / "index.sqlite").is_file()
    assert sorted(file.name for file in link.parent.iterdir()) == ["linked.lego"]


def test_pictures_are_beside_the_spec_and_not_beside_the_link(real: Path) -> None:
    for split in ("train", "test"):
        for category in ("cat", "background"):
            file = real / "pets" / split / category / "1.png"
            file.parent.mkdir(parents=True)
            Image.new("RGB", (4, 4)).save(file)
    write_spec(real, PICTURES, "small.lego")
    link = real.parent / "elsewhere" / "linked.lego"
    link.symlink_to("../real/small.lego")
    assert legonet(link.parent, "plan", "linked.lego").returncode == 0
    shutil.move(real / "pets", link.parent / "pets")
    finished = legonet(link.parent, "plan", "linked.lego")
    assert finished.returncode == 1
    assert str(real / "pets") in finished.stderr
