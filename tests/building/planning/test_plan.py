"""What a change of a spec's text means for the keys; nothing is trained here."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.specs import SMALL, plan_of, write_spec

from legonet.diagnostics import DiagnosticError

EDGE = "digit_1 -> classify"


def keys(folder: Path, text: str, *settings: str) -> dict[str, str]:
    plan = plan_of(write_spec(folder, text), *settings)
    return {step.name: step.key for step in (*plan.networks, *plan.edges)}


def changed(folder: Path, text: str, *settings: str) -> set[str]:
    before, now = keys(folder, SMALL), keys(folder, text, *settings)
    return {name for name in before if before[name] != now[name]}


def test_a_comment_or_another_layout_changes_nothing(tmp_path: Path) -> None:
    other = "# a comment\n" + SMALL.replace(", ", ",  ").replace("\n\n", "\n\n# another\n")
    assert changed(tmp_path, other) == set()


def test_another_order_of_statements_changes_nothing(tmp_path: Path) -> None:
    adapters = SMALL[SMALL.index("adapter digit_3") : SMALL.index("path")]
    other = SMALL.replace(adapters, "").replace("network ancestor", adapters + "\nnetwork ancestor")
    assert changed(tmp_path, other) == set()


def test_a_rename_changes_no_key(tmp_path: Path) -> None:
    renamed = (
        SMALL.replace("ancestor", "base")
        .replace("net_", "specific_")
        .replace("digit_1", "one")
        .replace("digit_${digit}", "one_${digit}")
        .replace("adapter one ->", "adapter one_1 ->")
        .replace("digit_3", "one_3")
        .replace("= one ->", "= one_1 ->")
        .replace("classify", "tell")
        .replace("data digits", "data pictures")
        .replace("data: digits", "data: pictures")
    )
    assert sorted(keys(tmp_path, renamed).values()) == sorted(keys(tmp_path, SMALL).values())


@pytest.mark.parametrize(
    "setting",
    [
        "digit_1->classify.samples=6",
        "digit_1->classify.unlabelled=6",
        "digit_1->classify.seed=1",
        "digit_1->classify.layers=[conv(3)]",
        "digit_1->classify.layers=[conv(1), conv(1)]",
        "digit_1->classify.method=stitching()",
        "digit_1->classify.method=back_distillation(init: solve, steps: 4)",
        "digit_1->classify.method=back_distillation(init: assignment, steps: 3)",
        "digit_1->classify.teacher=net_3",
    ],
)
def test_a_field_of_an_edge_changes_that_edge_alone(tmp_path: Path, setting: str) -> None:
    assert changed(tmp_path, SMALL, setting) == {EDGE}


def test_the_default_written_out_changes_nothing(tmp_path: Path) -> None:
    assert changed(tmp_path, SMALL, "digit_1->classify.seed=0") == set()
    assert changed(tmp_path, SMALL, "digit_1->classify.teacher=net_1") == set()
    assert changed(tmp_path, SMALL, "digits.size=16") == set()


def test_a_network_takes_with_it_what_grew_from_it_and_nothing_else(tmp_path: Path) -> None:
    assert changed(tmp_path, SMALL, "net_1.train.epochs=2") == {"net_1", EDGE}
    assert changed(tmp_path, SMALL, "net_3.train.seed=2") == {"net_3", EDGE}
    everything = {"ancestor", "net_1", "net_3", EDGE}
    assert changed(tmp_path, SMALL, "ancestor.train.seed=5") == everything
    assert changed(tmp_path, SMALL, "digits.size=32") == everything


def test_another_cut_changes_the_edge_and_no_network(tmp_path: Path) -> None:
    assert changed(tmp_path, SMALL, 'cut="features.9"') == {EDGE}


def test_other_contents_of_the_same_weights_file_change_the_network(tmp_path: Path) -> None:
    text = 'network a { model: legonet.small_vgg(classes: 1), weights: "a.safetensors" }'
    (tmp_path / "a.safetensors").write_bytes(b"one")
    before = keys(tmp_path, text)
    (tmp_path / "b.safetensors").write_bytes(b"one")
    assert keys(tmp_path, text.replace("a.safe", "b.safe")) == before
    (tmp_path / "a.safetensors").write_bytes(b"two")
    assert keys(tmp_path, text) != before


def test_all_that_is_missing_is_reported_at_once_with_its_place(tmp_path: Path) -> None:
    spec = write_spec(
        tmp_path,
        """
data nowhere { source: manifest("nowhere") }
network a { model: legonet.small_vgg(classes: 1), weights: "missing.safetensors" }
network b { model: legonet.small_vgg(classes: 1), train { data: nowhere, category: cat } }
""",
    )
    with pytest.raises(DiagnosticError) as caught:
        plan_of(spec)
    found = [(item.span.line, item.message) for item in caught.value.diagnostics if item.span]
    assert [line for line, _ in found] == [2, 3]
    assert "nowhere" in found[0][1]
    assert "missing.safetensors" in found[1][1]


def test_a_category_that_the_data_do_not_have_is_reported_at_its_field(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, SMALL.replace('["1", "3"]', '["1", "3", "33"]'))
    with pytest.raises(DiagnosticError) as caught:
        plan_of(spec)
    (diagnostic,) = caught.value.diagnostics
    assert "`33`" in diagnostic.message
    assert diagnostic.span is not None
    assert diagnostic.trace[0].message == 'in the iteration of this loop for the string "33"'


def test_the_same_weights_in_another_file_or_wrapper_change_nothing(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    state = {"0.weight": torch.ones(2, 2), "0.bias": torch.zeros(2)}
    wrapped = {"model": {f"module.{name}": item for name, item in state.items()}, "epoch": 3}
    save_file(state, tmp_path / "a.safetensors")
    torch.save(wrapped, tmp_path / "b.pth")
    torch.save({**wrapped, "model_ema": {"0.weight": torch.zeros(2, 2)}}, tmp_path / "c.pth")
    save_file({**state, "0.bias": torch.ones(2)}, tmp_path / "other.safetensors")
    text = """
network net {{ model: legonet.small_vgg(classes: 1), weights: "{}" {} }}
category cat {{ from: net, until: "features.4" }}
"""
    first, second, third, other = (
        plan_of(write_spec(tmp_path, text.format(file, loading))).network("net").key
        for file, loading in (
            ("a.safetensors", ""),
            ("b.pth", ""),
            ("c.pth", ', loading { entry: "model" }'),
            ("other.safetensors", ""),
        )
    )
    assert first == second == third != other
