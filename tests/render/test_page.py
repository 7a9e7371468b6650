"""The page as text: what stands in it, that nothing can break out of it, that it is the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit.specs import plan_of, write_spec
from kit.zoo import ZOO, certify, zoo_plan
from pictures import to_dot

import legonet
from legonet.building import Plan
from legonet.building.storage.diagnoses import value_of
from legonet.diagnostics import Diagnostic, DiagnosticError, Severity
from legonet.graph import load
from legonet.render.page import page
from legonet.render.page.assembly import assembled
from legonet.render.page.certificates import quality
from legonet.render.page.document import document_of


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return zoo_plan(tmp_path_factory.mktemp("zoo"))


class _Reader(HTMLParser):
    """Reads a page as a browser does."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data


def _data(text: str) -> Any:
    return json.loads(_Reader(text).texts["document"])


def _item(found: list[dict[str, Any]], *ends: str) -> dict[str, Any]:
    (item,) = (item for item in found if (item["category"], item["task"]) == ends)
    return item


def test_it_can_be_drawn_like_any_other_picture(zoo: Plan, tmp_path: Path) -> None:
    legonet.draw(zoo, tmp_path / "zoo.html", only="cat*")
    assert (tmp_path / "zoo.html").read_text("utf-8") == page(zoo.graph, zoo, only=["cat*"])
    legonet.draw(zoo.graph, tmp_path / "graph.HTML")
    assert (tmp_path / "graph.HTML").read_text("utf-8") == page(zoo.graph)


def test_every_edge_says_how_far_it_has_come_and_how_good_it_is(zoo: Plan) -> None:
    edges = _data(page(zoo.graph, zoo))["edges"]
    assert {(edge["category"], edge["task"]): edge["state"] for edge in edges} == {
        ("dog", "classify"): "direct",
        ("cat", "classify"): "built",
        ("cow", "classify"): "missing",
        ("horse", "classify"): "failed",
        ("cat", "outline"): "built",
    }
    cat = _item(edges, "cat", "classify")
    assert cat["quality"] == {"of": "pictures", "own": 0.0849, "half": None, "teacher": 0.06}
    assert cat["look"] == "behind"
    assert _item(edges, "cat", "outline")["quality"]["own"] == pytest.approx(0.1)
    assert _item(edges, "horse", "classify")["message"] == "failed: the loss is not finite"
    assert _item(edges, "cow", "classify")["reason"]


def test_a_certificate_is_told_whole(zoo: Plan) -> None:
    cat = _item(_data(page(zoo.graph, zoo))["edges"], "cat", "classify")
    step = zoo.edge("cat", "classify")
    assert step is not None
    assert step.artifact is not None
    facts = {tuple(fact[:2]) for section in cat["sections"] for fact in section["facts"]}
    assert ("tensors", step.artifact.sha256) in facts
    assert ("key", step.key) in facts
    assert ("steps taken", "60") in facts
    assert ("because", "channels that match correlate by 0.48") in facts
    assert ("beta", "1.091") in facts
    assert ("time", "1.0 s") in facts
    assert ("data: category", "3") in facts
    assert cat["warnings"] == ["teacher and student hardly agree"]


def test_figures_stand_with_their_interval_beside_teacher_and_donor(tmp_path: Path) -> None:
    plan = zoo_plan(tmp_path)
    figures = {
        "auc": 0.99,
        "best_threshold": -0.25,
        "donor_error_rate": 0.096,
        "error_rate": 0.121,
        "error_rate_low": 0.084,
        "error_rate_high": 0.17,
        "teacher_error_rate": 0.08,
    }
    certify(plan, ("cat", "classify"), metrics=figures)
    plan = plan_of(tmp_path / "zoo.lego")
    found = _item(_data(page(plan.graph, plan))["edges"], "cat", "classify")["metrics"]
    assert [item["name"] for item in found] == [
        "error rate",
        "area under the ROC curve",
        "best threshold",
    ]
    error, _, threshold = found
    assert (error["own"], error["low"], error["high"]) == (0.121, 0.084, 0.17)
    assert (error["teacher"], error["donor"]) == (0.08, 0.096)
    quality = _item(_data(page(plan.graph, plan))["edges"], "cat", "classify")["quality"]
    assert quality["half"] == pytest.approx(0.049)
    assert [item["is_share"] for item in found] == [True, True, False]
    assert (threshold["own"], threshold["low"], threshold["teacher"]) == (-0.25, None, None)


def test_an_edge_at_chance_is_shown_as_failed_with_its_figures_and_why(tmp_path: Path) -> None:
    plan = zoo_plan(tmp_path)
    failure = Diagnostic(
        "LEGO650", "no better than chance", help=("the likely cause: no pictures",)
    )
    warning = Diagnostic("LEGO652", "it errs on more", severity=Severity.WARNING)
    certify(plan, ("cat", "classify"), failure=value_of(failure), warnings=[value_of(warning)])
    plan = plan_of(tmp_path / "zoo.lego")
    cat = _item(_data(page(plan.graph, plan))["edges"], "cat", "classify")
    assert (cat["state"], cat["look"]) == ("failed", "failed")
    assert cat["message"] == "failed: error 8.5 %, teacher 6.0 %"
    assert cat["failure"] == ["no better than chance", "the likely cause: no pictures"]
    assert cat["warnings"] == ["teacher and student hardly agree", "it errs on more"]
    assert cat["quality"]["own"] == 0.0849
    picture = to_dot(plan.graph, plan.states())
    assert "✕ failed: error 8.5 %, teacher 6.0 %" in picture
    assert "failed: no better than chance" in picture
    assert "warning: it errs on more" in picture


def test_a_curve_has_each_term_at_each_step(zoo: Plan) -> None:
    edges = _data(page(zoo.graph, zoo))["edges"]
    curve = _item(edges, "cat", "classify")["curve"]
    assert curve["steps"] == list(range(2, 61, 2))
    assert curve["terms"]["task"][0] == 2.0
    assert curve["terms"]["gradients"][-1] == pytest.approx(1 / 60, rel=1e-4)
    assert curve["held_out"] == [[0, 0.9], [30, 0.3], [60, 0.25]]
    solved = _item(edges, "cat", "outline")
    assert solved["curve"] is None
    assert "solved, not trained" in solved["no_curve"]


def test_a_loss_that_was_not_finite_is_left_out(tmp_path: Path) -> None:
    plan = zoo_plan(tmp_path)
    rows = [{"step": 1, "task": None}, {"step": 2, "task": 0.5}]
    certify(plan, ("cat", "classify"), learned={"loss_curve": rows})
    plan = plan_of(tmp_path / "zoo.lego")
    curve = _item(_data(page(plan.graph, plan))["edges"], "cat", "classify")["curve"]
    assert curve["terms"] == {"task": [None, 0.5]}


def test_a_statement_stands_as_in_its_file_with_its_loop(zoo: Plan) -> None:
    data = _data(page(zoo.graph, zoo))
    cat = _item(data["edges"], "cat", "classify")
    line = ZOO.splitlines().index(next(x for x in ZOO.splitlines() if "adapter cat -> cl" in x)) + 1
    assert cat["place"].endswith(f"zoo.lego:{line}")
    assert (
        data["texts"][cat["text"]] == ZOO[ZOO.index("adapter cat ->") : ZOO.index("\nadapter cow")]
    )
    network = next(item for item in data["networks"] if item["name"] == "cow_net")
    text = data["texts"][network["text"]]
    assert text.startswith("network ${animal}_net {\n  model: ")
    assert text.endswith("\n}")
    assert "for the name `cow`" in network["trace"][0]
    others = {item["text"] for item in data["networks"] if item["name"].endswith("w_net")}
    assert others == {network["text"]}


def test_without_a_plan_nothing_counts_as_built(zoo: Plan) -> None:
    data = _data(page(zoo.graph))
    assert {edge["state"] for edge in data["edges"]} == {"missing", "direct"}
    assert {network["state"] for network in data["networks"]} == {"missing"}


def test_only_what_was_asked_for_is_shown_and_the_path_is_where_it_begins(zoo: Plan) -> None:
    data = _data(page(zoo.graph, zoo, path="pet_finder", only=["cat"]))
    assert data["first"] == [["cat", "classify"]]
    assert [item["name"] for item in data["categories"]] == ["cat"]
    assert {edge["category"] for edge in data["edges"]} == {"cat"}
    with pytest.raises(DiagnosticError, match="unknown path `pet_findr`"):
        page(zoo.graph, path="pet_findr")


def test_equal_graphs_give_equal_bytes(zoo: Plan, tmp_path: Path) -> None:
    text = page(zoo.graph, zoo)
    assert text == page(load(zoo.graph.spec.origins["category", "cat"].span.source.path), zoo)
    code = (
        "import sys; from legonet.graph import load; from legonet.render.page import page;"
        "sys.stdout.reconfigure(encoding='utf-8'); print(page(load(sys.argv[1])), end='')"
    )
    spec = str(write_spec(tmp_path, ZOO))
    found = {
        subprocess.run(
            [sys.executable, "-c", code, spec],
            env={"PYTHONHASHSEED": seed, "LEGONET_CACHE_DIR": ""},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {page(load(spec)).encode()}


def test_it_names_no_address_and_forbids_them(zoo: Plan) -> None:
    text = page(zoo.graph, zoo)
    reader = _Reader(text)
    for tag, attributes in reader.tags:
        assert not {"src", "srcset", "action", "onclick", "style"} & set(attributes), tag
        assert attributes.get("href", "#").startswith("#")
    assert re.findall(r"https?://[^\"\s]+", text) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in text
    assert "@import" not in text
    policy = next(a["content"] for _, a in reader.tags if "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_torch_stays_away(zoo: Plan, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, ZOO)
    code = (
        "import sys; from legonet.graph import load; from legonet.render.page import page;"
        "page(load(sys.argv[1])); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(spec)], check=True)


MARKUP = ["</script>", "<!--", "<script>", "]]>", "&lt;", "\u2028", "\u202e", '"', "`"]


def test_no_text_breaks_out_of_the_data(zoo: Plan) -> None:
    document = document_of(zoo.graph)

    @settings(deadline=None)
    @given(text=st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(MARKUP))
    def stays(text: str) -> None:
        document["networks"][0]["model"] = document["title"] = text
        reader = _Reader(assembled(document))
        assert [tag for tag, _ in reader.tags].count("script") == 2
        assert not set(reader.texts["document"]) & set("<>&")
        shown = json.loads(reader.texts["document"])["networks"][0]["model"]
        assert len(shown) == len(text)
        assert all(one in (other, "\ufffd") for one, other in zip(shown, text, strict=True))
        assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u2028")

    stays()


def test_an_error_that_is_no_share_of_wrong_answers_is_told_in_words() -> None:
    found = quality({"mean_absolute_error": 2.5, "teacher_mean_absolute_error": 2.0})
    assert found is not None
    assert found["shown"] == {"own": "mean absolute error 2.5", "teacher": "2"}
    found = quality({"against_teacher_error_rate": 0.25})
    assert found is not None
    assert found["shown"] == {"own": "error 25.0 % by its teacher's answers", "teacher": ""}
    assert "shown" not in (quality({"error_rate": 0.25}) or {"shown": None})
