from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from kit.specs import SMALL, plan_of, workspace_of, write_spec
from kit.untrained import file_of, fill_store, proof_of, put, step_of

from legonet.building import Artifact, Step, Store, Workspace
from legonet.building.execution import answers, resources
from legonet.building.execution.answers import pictures
from legonet.building.proof import Proof
from legonet.building.storage.answer_log import ANSWERS, AnswerLog
from legonet.diagnostics import DiagnosticError
from legonet.language.inputs import IMAGENET_DEVIATION, IMAGENET_MEAN
from legonet.modules.digest import state_digest
from legonet.network import TransplantNetwork

EDGES = ("digit_3 -> classify", "digit_1 -> classify")
NETWORKS = {"ancestor", "net_1", "net_3"}


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec of which all stands, and whose answers are recorded."""
    spec = write_spec(tmp_path)
    fill_store(spec)
    proof_of(spec)
    return spec


def statuses(proof: Proof) -> dict[str, str]:
    return {item.name: item.status for item in proof.routes}


def said(proof: Proof) -> list[tuple[str, str]]:
    """Return the code of each violation, and the line that it points at."""
    found = []
    for item in proof.violations:
        assert item.span is not None
        found.append((item.code, item.span.source.line(item.span.line).strip()))
    return found


def replaced(spec: Path, name: str) -> Step:
    """Put another valid artifact into the place of one, under the same key."""
    workspace, plan = workspace_of(spec)
    step = step_of(plan, name)
    put(workspace.store, plan, step, seed=7)
    return step


def records_of(spec: Path) -> Path:
    return Workspace(spec).store.folder / ANSWERS


def test_what_is_seen_first_is_recorded_and_then_proved_unchanged(tmp_path: Path) -> None:
    spec = write_spec(tmp_path)
    fill_store(spec)
    first, second = proof_of(spec), proof_of(spec)
    assert statuses(first) == dict.fromkeys(EDGES, "first")
    assert statuses(second) == dict.fromkeys(EDGES, "unchanged")
    assert {item.name for item in second.networks} == NETWORKS
    assert {item.status for item in (*second.networks, *second.adapters)} == {"unchanged"}
    assert not [*first.violations, *second.violations, *second.warnings, *second.damaged]
    assert [item.sha256 for item in first.routes] == [item.sha256 for item in second.routes]


def test_a_proof_that_finds_nothing_new_writes_nothing(spec: Path) -> None:
    before = records_of(spec).read_bytes()
    proof_of(spec)
    assert records_of(spec).read_bytes() == before


def test_what_is_proved_is_what_users_are_answered(spec: Path) -> None:
    network = TransplantNetwork.open(spec)
    for item in proof_of(spec).routes:
        category, task = item.name.split(" -> ")
        answer = network(pictures(16), category=category, task=task)
        assert state_digest({"answer": answer}) == item.sha256


def test_an_adapter_that_was_replaced_is_named_with_its_path(spec: Path) -> None:
    replaced(spec, EDGES[1])
    proof = proof_of(spec)
    assert statuses(proof) == {EDGES[0]: "unchanged", EDGES[1]: "changed"}
    line = "adapter digit_1 -> classify {"
    assert said(proof) == [("LEGO730", line), ("LEGO731", line)]
    path, adapter = proof.violations
    assert "its adapter is not what it was" in path.help
    assert str(file_of(spec, EDGES[1])) in adapter.help[0]


def test_a_network_that_was_replaced_is_named_with_all_paths_through_it(spec: Path) -> None:
    replaced(spec, "net_3")
    proof = proof_of(spec)
    assert statuses(proof) == {EDGES[0]: "changed", EDGES[1]: "changed"}
    assert said(proof) == [
        ("LEGO731", "network net_${digit} {"),
        ("LEGO730", "adapter digit_3 -> classify"),
        ("LEGO730", "adapter digit_1 -> classify {"),
    ]
    assert "the network `net_3` is not what it was" in proof.violations[1].help


def test_a_network_without_a_path_must_stay_what_it_is_too(spec: Path) -> None:
    replaced(spec, "ancestor")
    proof = proof_of(spec)
    assert statuses(proof) == dict.fromkeys(EDGES, "unchanged")
    assert said(proof) == [("LEGO731", "network ancestor {")]


def test_a_violation_stays_one_until_it_is_mended(spec: Path) -> None:
    step = replaced(spec, EDGES[1])
    assert said(proof_of(spec)) == said(proof_of(spec)) != []
    workspace, plan = workspace_of(spec)
    put(workspace.store, plan, step)
    proof = proof_of(spec)
    assert statuses(proof) == dict.fromkeys(EDGES, "unchanged")
    assert not proof.violations


def test_without_the_records_what_stands_is_recorded_anew(spec: Path) -> None:
    replaced(spec, "net_3")
    proof = proof_of(spec)
    assert any(str(records_of(spec)) in line for line in proof.violations[0].help)
    records_of(spec).unlink()
    assert statuses(proof_of(spec)) == dict.fromkeys(EDGES, "first")
    assert not proof_of(spec).violations


def test_other_answers_of_the_same_modules_are_a_violation(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = answers.top

    def top(network: torch.nn.Module, after: str) -> torch.nn.Module:
        half = cut(network, after)
        half.register_forward_hook(lambda module, given, answer: answer + 1e-6)
        return half

    monkeypatch.setattr(answers, "top", top)
    proof = proof_of(spec)
    assert statuses(proof) == dict.fromkeys(EDGES, "changed")
    assert {code for code, _ in said(proof)} == {"LEGO730"}
    assert "all modules in it are unchanged" in proof.violations[0].help[0]


@pytest.mark.parametrize("name", ["net_1", EDGES[1]])
def test_what_is_damaged_is_handed_back_and_hides_nothing_else(spec: Path, name: str) -> None:
    step, file = step_of(plan_of(spec), name), file_of(spec, name)
    contents = bytearray(file.read_bytes())
    contents[-1] ^= 1
    file.write_bytes(contents)
    proof = proof_of(spec)
    assert [(item.kind, item.key) for item in proof.damaged] == [(step.kind, step.key)]
    assert statuses(proof) == {EDGES[0]: "unchanged"}
    assert not proof.violations
    workspace, plan = workspace_of(spec)
    put(workspace.store, plan, step)
    again = proof_of(spec)
    assert statuses(again) == dict.fromkeys(EDGES, "unchanged")
    assert not [*again.damaged, *again.violations]


def test_a_network_that_both_sides_need_is_damaged_once(spec: Path) -> None:
    file = file_of(spec, "net_3")
    file.write_bytes(file.read_bytes()[:-4] + b"\1\2\3\4")
    proof = proof_of(spec)
    assert len(proof.damaged) == 1
    assert not [*proof.routes, *proof.violations]


@pytest.mark.parametrize("name", ["ancestor", "net_1"])
def test_a_network_that_vanishes_meanwhile_is_to_be_built_again(
    spec: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    read, file = Store.tensors, file_of(spec, name)

    def tensors(store: Store, artifact: Artifact) -> object:
        file.unlink(missing_ok=True)
        return read(store, artifact)

    monkeypatch.setattr(Store, "tensors", tensors)
    proof = proof_of(spec)
    assert [item.key for item in proof.damaged] == [file.stem]
    assert statuses(proof)[EDGES[0]] == "unchanged"
    assert {item.code for item in proof.failures} == {"LEGO704"}


def test_a_store_that_cannot_be_reached_is_said_once(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tensors(store: Store, artifact: Artifact) -> object:
        raise DiagnosticError.of("LEGO725", "no answer")

    monkeypatch.setattr(Store, "tensors", tensors)
    proof = proof_of(spec)
    assert [item.code for item in proof.violations] == ["LEGO725"]
    assert not [*proof.routes, *proof.networks, *proof.damaged]


def test_what_grows_and_what_is_renamed_leaves_the_rest_unchanged(spec: Path) -> None:
    text = SMALL.replace('["1", "3"]', '["1", "3", "7"]').replace("net_", "network_of_")
    text = text.replace("task classify", "task read").replace("-> classify", "-> read")
    write_spec(spec.parent, text + "adapter digit_7 -> read {\n  layers: [conv(1)]\n}\n")
    fill_store(spec)
    assert statuses(proof_of(spec)) == {
        "digit_3 -> read": "unchanged",
        "digit_1 -> read": "unchanged",
        "digit_7 -> read": "first",
    }
    assert not proof_of(spec).violations


def test_another_environment_is_recorded_anew(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = resources.environment("cpu")
    monkeypatch.setattr(resources, "environment", lambda device: {**here, "torch": "3.0"})
    assert statuses(proof_of(spec)) == dict.fromkeys(EDGES, "first")
    assert statuses(proof_of(spec)) == dict.fromkeys(EDGES, "unchanged")
    assert {item.status for item in proof_of(spec).networks} == {"unchanged"}
    monkeypatch.undo()
    assert statuses(proof_of(spec)) == dict.fromkeys(EDGES, "unchanged")


def test_a_module_that_was_replaced_is_seen_in_another_environment_too(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(spec, EDGES[1])
    monkeypatch.setattr(resources, "environment", lambda device: {"torch": "3.0"})
    assert [code for code, _ in said(proof_of(spec))] == ["LEGO731"]


def test_what_is_built_again_may_have_other_bits_once(spec: Path) -> None:
    step = step_of(plan_of(spec), EDGES[1])
    AnswerLog(records_of(spec).parent).rebuilding(step.key)
    replaced(spec, EDGES[1])
    assert statuses(proof_of(spec)) == {EDGES[0]: "unchanged", EDGES[1]: "rebuilt"}
    proof = proof_of(spec)
    assert statuses(proof) == dict.fromkeys(EDGES, "unchanged")
    assert not proof.violations
    workspace, plan = workspace_of(spec)
    put(workspace.store, plan, step)
    assert [code for code, _ in said(proof_of(spec))] == ["LEGO730", "LEGO731"]


def test_what_is_built_again_with_the_same_bits_is_unchanged(spec: Path) -> None:
    since = {item.name: item.since for item in proof_of(spec).routes}
    for step in plan_of(spec).networks:
        AnswerLog(records_of(spec).parent).rebuilding(step.key)
    for _ in range(2):
        proof = proof_of(spec)
        assert statuses(proof) == dict.fromkeys(EDGES, "unchanged")
        assert {item.name: item.since for item in proof.routes} == since
    replaced(spec, "net_3")
    assert proof_of(spec).violations


def test_answers_do_not_depend_on_the_memory_that_is_there(spec: Path) -> None:
    proof = proof_of(spec, memory=1)
    assert statuses(proof) == dict.fromkeys(EDGES, "unchanged")


def test_a_network_that_cannot_answer_is_an_error_at_its_edge(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(answers, "edge_modules", refuse)
    proof = proof_of(spec)
    assert said(proof) == [("LEGO733", "adapter digit_1 -> classify {")]
    assert statuses(proof) == {EDGES[0]: "unchanged"}


def test_an_edge_whose_network_does_not_stand_is_passed_over(spec: Path) -> None:
    file_of(spec, "net_1").unlink()
    assert statuses(proof_of(spec)) == {EDGES[0]: "unchanged"}


def test_records_that_cannot_be_written_or_read_are_a_warning(spec: Path) -> None:
    records_of(spec).unlink()
    records_of(spec).mkdir()
    proof = proof_of(spec)
    assert statuses(proof) == dict.fromkeys(EDGES, "first")
    assert {(item.code, item.severity.value) for item in proof.warnings} == {("LEGO732", "warning")}
    assert not proof.violations


def test_the_document_of_a_proof_holds_everything(spec: Path) -> None:
    replaced(spec, EDGES[1])
    document = json.loads(json.dumps(proof_of(spec).to_json()))
    assert [(item["name"], item["status"]) for item in document["paths"]] == [
        (EDGES[0], "unchanged"),
        (EDGES[1], "changed"),
    ]
    assert [item["code"] for item in document["violations"]] == ["LEGO730", "LEGO731"]
    assert document["environment"]["torch"] == torch.__version__
    assert all(item["since"] for item in document["networks"])


def test_the_pictures_are_the_same_everywhere() -> None:
    batch = pictures(17)
    assert (batch.shape, batch.dtype) == ((2, 3, 17, 17), torch.float32)
    assert abs(batch.mean()) < 0.5
    assert 0.5 < batch.std() < 2
    first = batch[0, 0, 0, :4] * IMAGENET_DEVIATION[0] * 255 + IMAGENET_MEAN[0] * 255
    assert first.round().tolist() == [214, 53, 142, 232]


def test_a_proof_draws_nothing_from_the_generators_of_torch(spec: Path) -> None:
    before = torch.random.get_rng_state()
    proof_of(spec)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_store_without_anything_is_proved_at_once(tmp_path: Path) -> None:
    proof = proof_of(write_spec(tmp_path))
    assert replace(proof, environment={}) == Proof((), (), (), {})
    assert not (tmp_path / ".legonet").exists()
