"""A graph is saved to its file or another, and never over what somebody else wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.specs import SMALL

from legonet.data.sources.folder import Folder
from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph, load
from legonet.language import Override


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "small.lego"
    file.write_text(SMALL)
    return file


def refused(graph: ModuleGraph, path: Path | None = None) -> str:
    with pytest.raises(DiagnosticError) as caught:
        graph.save(path)
    return caught.value.diagnostics[0].code


def test_a_graph_from_nothing_is_written_in_canonical_layout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    graph = ModuleGraph()
    assert refused(graph) == "LEGO724"
    assert graph.file is None
    graph.add("data", "own", source='folder("pictures/own")')
    graph.add("network", "n", model="legonet.small_vgg(1)", weights="n.safetensors")
    graph.add("category", "c", network="n", until="features.4")
    graph.add("task", "t", network="n", after="features.4").connect("c", "t")
    graph.add("data", "more", source=Folder(directory=Path("/far/away")))
    assert graph.save("new.lego") == (tmp_path / "new.lego",)
    assert (tmp_path / "new.lego").read_text() == (
        'data own { source: folder("pictures/own") }\n'
        'data more { source: folder("/far/away") }\n'
        "\n"
        "network n {\n"
        "  model: legonet.small_vgg(classes: 1)\n"
        '  weights: "n.safetensors"\n'
        "}\n"
        "\n"
        'category c { from: n, until: "features.4" }\n'
        "\n"
        'task t { from: n, after: "features.4" }\n'
        "\n"
        "adapter c -> t\n"
    )
    assert graph.file == tmp_path / "new.lego"
    assert load("new.lego") == graph
    graph.change("network", "n", weights="m.safetensors")
    assert graph.save() == (tmp_path / "new.lego",)
    assert load("new.lego") == graph


def test_a_file_that_somebody_changed_is_not_overwritten(file: Path) -> None:
    graph = load(file).rename("network", "ancestor", "root")
    file.write_text(SMALL + "# mine\n")
    assert refused(graph) == "LEGO723"
    assert file.read_text() == SMALL + "# mine\n"
    graph.save(overwrite=True)
    assert load(file) == graph
    graph.rename("network", "root", "ancestor").save()
    assert file.read_text() == SMALL


def test_another_file_that_exists_is_not_overwritten(file: Path) -> None:
    graph = load(file)
    other = file.with_name("other.lego")
    other.write_text("# mine\n")
    assert refused(graph, other) == "LEGO723"
    assert graph.file == file
    graph.save(other, overwrite=True)
    assert other.read_text() == SMALL
    assert graph.file == other


def test_a_file_that_is_gone_is_written_anew(file: Path) -> None:
    graph = load(file).rename("network", "ancestor", "root")
    file.unlink()
    graph.save()
    assert load(file) == graph


def test_a_graph_moves_to_another_folder_and_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "zoo.lego").write_text(
        'network lion { model: legonet.small_vgg(1), weights: "lion.safetensors" }\n'
    )
    (tmp_path / "spec.lego").write_text(
        'import "zoo.lego"  # others\n'
        'let root = "pictures"\n'
        'data own { source: folder("${root}/own") }  # ours\n'
        'category lion { from: lion, until: "features.4" }\n'
    )
    graph = load(tmp_path / "spec.lego")
    before = (tmp_path / "spec.lego").read_bytes()
    (tmp_path / "far" / "away").mkdir(parents=True)
    target = tmp_path / "far" / "away" / "copy.lego"
    graph.rename("category", "lion", "cat").save(target)
    assert load(target) == graph
    assert 'import "../../zoo.lego"  # others\n' in target.read_text()
    assert "# ours" in target.read_text()
    assert (tmp_path / "spec.lego").read_bytes() == before


def test_values_from_outside_stay_out_of_the_file(file: Path) -> None:
    overrides = [Override.parse("labels=6"), Override.parse("net_1.train.epochs=3")]
    graph = load(file, overrides)
    assert graph.save() == ()
    graph.change("adapter", "digit_1", "classify", seed=5).save()
    assert "seed: 5" in file.read_text()
    assert "let labels = 4" in file.read_text()
    assert load(file, overrides) == graph
    graph.change("network", "net_1", train={"epochs": 2})
    assert refused(graph) == "LEGO721"


def test_a_link_stays_a_link(file: Path) -> None:
    link = file.with_name("link.lego")
    link.symlink_to(file)
    load(link).rename("network", "ancestor", "root").save()
    assert link.is_symlink()
    assert "network root" in file.read_text()


def test_permissions_are_kept(file: Path) -> None:
    file.chmod(0o600)
    load(file).rename("network", "ancestor", "root").save()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_stays_as_it_is(tmp_path: Path, file: Path) -> None:
    graph = load(file).rename("network", "ancestor", "root")
    assert refused(graph, tmp_path / "missing" / "x.lego") == "LEGO701"
    assert refused(graph, tmp_path) == "LEGO723"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["small.lego"]
    graph.add("category", "odd", network="root", until="\ud800")
    assert refused(graph) == "LEGO701"
    assert file.read_text() == SMALL


def test_a_plan_keeps_what_it_was_made_for(file: Path) -> None:
    from legonet.building import Workspace

    graph = load(file)
    plan = Workspace(file).plan(graph)
    graph.remove("network", "net_1", cascade=True)
    assert [step.name for step in plan.edges] == ["digit_3 -> classify", "digit_1 -> classify"]
    assert "net_1" in plan.graph.spec.networks
    graph.change("category", "digit_3", until="features.1")
    with pytest.raises(DiagnosticError) as caught:
        Workspace(file).plan(graph)
    assert [item.code for item in caught.value.diagnostics] == ["LEGO304"]
