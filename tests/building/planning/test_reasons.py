"""Why something is to be built: down to the field, the file or the network that changed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kit.specs import SMALL, plan_of, workspace_of, write_spec
from kit.stores import pretend

from legonet.building import Plan
from legonet.building.planning import inputs
from legonet.building.storage.database import Database
from legonet.building.storage.index import open_index
from legonet.distill.methods import BackDistillation, OrdinaryLearning

EDGE = "digit_1 -> classify"
METHOD = "back_distillation"
PICTURES = """
data animals { source: folder("pictures") }
network ready { model: legonet.small_vgg(classes: 1), weights: "ready.safetensors" }
network net {
  model: legonet.small_vgg(classes: 1)
  init: ready
  train { data: animals, category: cat }
}
category cat { from: net, until: "features.4" }
task tell { from: ready, after: "features.4" }
adapter cat -> tell { samples: 2 }
"""


def index_of(spec: Path) -> Database:
    return open_index(spec.parent / ".legonet")


def reasons(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the reasons of what is to be built."""
    return {step.name: step.reasons for step in plan.to_build}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """The small spec with everything built."""
    file = write_spec(tmp_path)
    pretend(file)
    return file


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A spec of a folder of pictures with everything built."""
    for split in ("train", "test"):
        for category in ("cat", "background"):
            folder = tmp_path / "pictures" / split / category
            folder.mkdir(parents=True)
            for number in range(3):
                (folder / f"{number}.png").write_text(f"{split}{category}{number}")
    (tmp_path / "ready.safetensors").write_text("weights")
    file = write_spec(tmp_path, PICTURES)
    pretend(file)
    return file


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("digit_1->classify.samples=6", "samples: 4 -> 6"),
        ("digit_1->classify.layers=[conv(3)]", "layers: [1] -> [3]"),
        ("digit_1->classify.method=stitching()", "method: back_distillation -> stitching"),
        (
            "digit_1->classify.method=back_distillation(init: solve, steps: 9)",
            "method.steps: 3 -> 9",
        ),
        (
            "digit_1->classify.method=back_distillation(init: solve, steps: 3, reordered: true)",
            "method.reordered: false -> true",
        ),
        ("digit_1->classify.teacher=net_3", "teacher: net_1 -> net_3"),
        ("digit_1.from=net_3", "category.network: net_1 -> net_3"),
        ('cut="features.9"', "category.until: features.4 -> features.9"),
    ],
)
def test_a_field_that_changed_is_named(spec: Path, setting: str, told: str) -> None:
    found = reasons(plan_of(spec, setting))
    assert found.keys() == {EDGE}
    assert told in found[EDGE]


def test_a_network_that_changed_is_named_through_the_edge_once(spec: Path) -> None:
    found = reasons(plan_of(spec, "net_1.train.epochs=4"))
    assert found == {"net_1": ("train.epochs: 1 -> 4",), EDGE: ("`net_1` changed",)}


def test_an_ancestor_is_named_by_those_that_start_from_it(spec: Path) -> None:
    found = reasons(plan_of(spec, "ancestor.train.seed=5"))
    assert found["ancestor"] == ("train.seed: 0 -> 5",)
    assert found["net_1"] == found["net_3"] == ("`ancestor` changed",)
    assert found[EDGE] == ("`net_1` changed", "`net_3` changed")
    without = SMALL.replace("init: ancestor", "")
    assert reasons(plan_of(write_spec(spec.parent, without)))["net_1"] == (
        "init: ancestor -> none",
    )


def test_a_network_that_was_built_again_already_says_why_at_the_edge(spec: Path) -> None:
    settings = ("ancestor.train.seed=5", "net_1.train.epochs=4")
    _, plan = workspace_of(spec, *settings)
    edge = plan.edge("digit_1", "classify")
    assert edge is not None
    pretend(spec, *settings)
    (spec.parent / ".legonet" / "adapters" / f"{edge.key}.safetensors").unlink()
    # As a build leaves it that was killed between the networks and the edge.
    with index_of(spec).writing() as index:
        last = "DELETE FROM names WHERE number = (SELECT max(number) FROM names) AND name = ?"
        assert index.execute(last, (EDGE,)).rowcount == 1
    assert reasons(plan_of(spec, *settings))[EDGE] == (
        "`net_1` changed: `ancestor` changed: train.seed: 0 -> 5; train.epochs: 1 -> 4",
        "`net_3` changed: `ancestor` changed: train.seed: 0 -> 5",
    )


def test_a_renamed_network_that_changed_is_called_by_its_name_of_today(spec: Path) -> None:
    text = SMALL.replace("net_", "specific_").replace("network ancestor", "network ancestor")
    write_spec(spec.parent, text)
    found = reasons(plan_of(spec, "specific_1.train.epochs=4"))
    assert found["specific_1"] == ("not built yet",)
    assert found[EDGE] == ("`specific_1` changed",)


def test_files_that_changed_are_named(pictures: Path) -> None:
    folder = pictures.parent / "pictures"
    (folder / "train" / "cat" / "1.png").write_text("another")
    (folder / "test" / "background" / "9.png").write_text("new")
    (folder / "test" / "cat" / "0.png").unlink()
    told = "1 changed (train/cat/1.png), 1 new (test/background/9.png), 1 gone (test/cat/0.png)"
    assert reasons(plan_of(pictures)) == {
        "net": (f"train.data.files: {told}",),
        "cat -> tell": ("`net` changed", f"data.files: {told}"),
    }


def test_without_what_was_kept_files_are_still_said_to_have_changed(pictures: Path) -> None:
    with index_of(pictures).writing() as index:
        index.execute("DELETE FROM file_lists")
    (pictures.parent / "pictures" / "train" / "cat" / "1.png").write_text("another")
    assert reasons(plan_of(pictures))["net"] == ("train.data.files changed",)


def test_a_plan_of_a_store_writes_no_file_list(pictures: Path) -> None:
    query = "SELECT key FROM file_lists"
    before = index_of(pictures).read(query)
    assert before
    (pictures.parent / "pictures" / "train" / "cat" / "1.png").write_text("another")
    plan_of(pictures)
    assert index_of(pictures).read(query) == before


def test_a_weights_file_that_changed_is_named(pictures: Path) -> None:
    (pictures.parent / "ready.safetensors").write_text("other weights")
    found = reasons(plan_of(pictures))
    (reason,) = found["ready"]
    assert reason.startswith("weights: other contents of `")
    assert reason.endswith("ready.safetensors`")
    assert found["net"] == ("`ready` changed",)


def test_another_version_of_the_code_is_told(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "ADAPTER_VERSION", 99)
    (reason,) = reasons(plan_of(spec))[EDGE]
    assert "another version of legonet" in reason


def test_another_version_of_one_method_concerns_its_edges_alone(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OrdinaryLearning, "version", 99)
    assert reasons(plan_of(spec)) == {}
    monkeypatch.setattr(BackDistillation, "version", 99)
    (reason,) = reasons(plan_of(spec))[EDGE]
    assert "another version of legonet" in reason
    (reason,) = reasons(plan_of(spec, f"{EDGE}.method=stitching()".replace(" ", "")))[EDGE]
    assert reason == f"method: {METHOD} -> stitching"


def test_what_is_gone_or_damaged_is_told(spec: Path) -> None:
    plan = plan_of(spec)
    networks = spec.parent / ".legonet" / "networks"
    (networks / f"{plan.network('net_1').key}.safetensors").unlink()
    (networks / f"{plan.network('net_3').key}.safetensors").write_bytes(b"rubbish")
    assert reasons(plan_of(spec)) == {
        "net_1": ("its artifact is gone from the store",),
        "net_3": ("what is stored is damaged",),
    }


def test_no_reason_shows_a_digest(pictures: Path) -> None:
    folder = pictures.parent
    (folder / "pictures" / "train" / "cat" / "1.png").write_text("another")
    (folder / "ready.safetensors").write_text("other weights")
    other = PICTURES.replace('weights: "ready.safetensors"', 'weights: torchvision("ANY")').replace(
        "init: ready\n", ""
    )
    for text in (
        PICTURES,
        other,
        other.replace("samples: 2", "samples: 3, teacher: ready, data: animals"),
    ):
        write_spec(folder, text)
        for setting in ([], ["cat->tell.method=stitching()"], ["tell.from=net"]):
            plan = plan_of(pictures, *setting)
            told = "; ".join(step.reason for step in plan.to_build)
            assert told
            assert not re.search("[0-9a-f]{16}", told), told
