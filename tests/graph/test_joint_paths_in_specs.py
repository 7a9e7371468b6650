"""Joint paths in specs: what they say, how they are edited, written back, and laid out."""

from __future__ import annotations

from pathlib import Path

import pytest

from legonet.diagnostics import Diagnostic, DiagnosticError, Severity, SourceText
from legonet.graph import ModuleGraph, check_file, load
from legonet.language.declarations import Path as Application
from legonet.syntax import format_text

MODULES = """\
data digits { source: digits() }
for digit in ["1", "2", "3"] {
  network net_${digit} {
    model: legonet.small_vgg(classes: 1)
    train { data: digits, category: digit }
  }
  category digit_${digit} { from: net_${digit}, until: "features.4" }
}
task read { from: net_1, after: "features.4" }
task early { from: net_1, after: "features.4" }
for digit in ["2", "3"] {
  adapter digit_${digit} -> read {}
  adapter digit_${digit} -> early {}
}
adapter digit_1 -> read
adapter digit_1 -> early
"""


SHARED = """
category ones { from: net_2, until: "features.4", labels: ["1", "5"] }
adapter ones -> read {}
path p = [digit_1, ones] -> read
"""

BACKGROUND = """
category background { from: net_2, until: "features.4" }
adapter background -> read {}
path p = [digit_1, background] -> read
"""


def graph_of(folder: Path, text: str) -> ModuleGraph:
    file = folder / "spec.lego"
    file.write_text(MODULES + text)
    return load(file)


def _diagnostics(file: Path) -> list[Diagnostic]:
    return list(check_file(file)[1])


def found_in(folder: Path, text: str) -> list[tuple[str, Severity]]:
    file = folder / "spec.lego"
    file.write_text(text)
    return [(item.code, item.severity) for item in _diagnostics(file)]


@pytest.mark.parametrize(
    ("text", "categories", "tasks"),
    [
        ("path p = digit_1 -> read", ["digit_1"], ["read"]),
        ("path p = [digit_1] -> [read]", ["digit_1"], ["read"]),
        ("path p = [digit_3, digit_1] -> read", ["digit_3", "digit_1"], ["read"]),
        (
            "path p = [digit_1, digit_2,] -> [read, early]",
            ["digit_1", "digit_2"],
            ["read", "early"],
        ),
        ("path p = digit_1 -> [\n  early\n  , read]", ["digit_1"], ["early", "read"]),
        ("let all = [digit_1, digit_2]\npath p = all -> read", ["digit_1", "digit_2"], ["read"]),
        ("let n = 2\npath p = [digit_1, digit_${n}] -> read", ["digit_1", "digit_2"], ["read"]),
    ],
)
def test_a_path_says_which_categories_and_tasks_it_joins(
    tmp_path: Path, text: str, categories: list[str], tasks: list[str]
) -> None:
    path = graph_of(tmp_path, text).spec.paths["p"]
    assert (list(path.categories), list(path.tasks)) == (categories, tasks)
    assert path.is_joint == (len(categories) > 1)
    assert len(path.edges) == len(categories) * len(tasks)


def test_joint_paths_are_resolved(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path, "path one = digit_1 -> read\npath both = [digit_2, digit_1] -> [read, early]"
    )
    first, second = graph.joints()
    assert [first.name, second.name] == ["path both -> read", "path both -> early"]
    assert first.labels == ("background", "digit_2", "digit_1")
    assert first.answered == (("2",), ("1",)), "also of the direct edge"
    assert graph.joints("one") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("path  p=[ a ,b ]->t", "path p = [a, b] -> t\n"),
        ("path p=[a,b,]->[ t,u ]", "path p = [a, b] -> [t, u]\n"),
        ("path p=[a]->t", "path p = [a] -> t\n"),
        ("path p=a->[t,\nu]", "path p = a -> [t, u]\n"),
        ("path p = [a, # first\nb] -> t", "path p = [\n  a,  # first\n  b,\n] -> t\n"),
        ("path p = [a, b] -> [t, # one\nu]", "path p = [a, b] -> [\n  t,  # one\n  u,\n]\n"),
        (
            f"path p = [{', '.join(f'category_{n}' for n in range(9))}] -> t",
            "path p = [\n" + "".join(f"  category_{n},\n" for n in range(9)) + "] -> t\n",
        ),
    ],
)
def test_the_layout(before: str, after: str) -> None:
    assert format_text(SourceText("spec.lego", before)) == after
    assert format_text(SourceText("spec.lego", after)) == after


def test_a_path_is_added_and_changed_from_python(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "path p = [digit_1, digit_2] -> read  # both\n")
    graph.add("path", "q", category=["digit_2", "digit_3"], task="read")
    assert graph.spec.paths["q"] == Application(category=("digit_2", "digit_3"), task="read")
    graph.change("path", "p", category=["digit_1", "digit_2", "digit_3"])
    graph.change("path", "q", task=["read", "early"])
    graph.rename("category", "digit_3", "three")
    text = graph.text()
    assert "path p = [digit_1, digit_2, three] -> read  # both" in text
    assert "path q = [digit_2, three] -> [read, early]" in text
    graph.change("path", "p", category="digit_1")
    assert "path p = digit_1 -> read  # both" in graph.text()
    graph.save()
    assert graph.file is not None
    assert load(graph.file) == graph


def test_a_name_in_a_list_is_replaced_alone(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "path p = [\n  digit_1,  # of old\n  digit_2,\n] -> read\n")
    graph.rename("category", "digit_2", "two")
    assert "path p = [\n  digit_1,  # of old\n  two,\n] -> read" in graph.text()


def test_a_path_whose_names_a_constant_lists_is_written_out(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "let all = [digit_1, digit_2]\npath p = all -> read\n")
    graph.change("path", "p", category=["digit_1", "digit_3"])
    assert "path p = [digit_1, digit_3] -> read" in graph.text()


@pytest.mark.parametrize("names", [[], ["digit_1", 3], None, 4])
def test_what_is_no_name_from_python_is_refused(tmp_path: Path, names: object) -> None:
    with pytest.raises(DiagnosticError, match="`path` lacks the field `category`"):
        graph_of(tmp_path, "").add("path", "p", category=names, task="read")  # type: ignore[arg-type]


def test_an_edge_of_a_path_is_not_removed_without_it(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, "path p = [digit_1, digit_2] -> read")
    with pytest.raises(DiagnosticError, match="needed by path `p`"):
        graph.remove("adapter", "digit_2", "read")
    assert graph.remove("category", "digit_2", cascade=True).spec.paths == {}


def test_a_difference_names_what_was_joined(tmp_path: Path) -> None:
    before = graph_of(tmp_path, "path p = digit_1 -> read")
    after = graph_of(tmp_path, "path p = [digit_1, digit_2] -> read")
    (change,) = before.diff(after).changed["path", "p"]
    assert (change.field, change.before) == ("category", "digit_1")
    assert change.after == ("digit_1", "digit_2")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("path p = [digit_1, digit_1] -> read", "LEGO319"),
        ("path p = digit_1 -> [read, read]", "LEGO319"),
        ("let all = [digit_1, digit_1]\npath p = all -> read", "LEGO319"),
        ("path p = [digit_1, nine] -> read", "LEGO202"),
        ("path p = [read, early] -> digit_1", "LEGO218"),
        ("path p = [] -> read", "LEGO104"),
        ('path p = [digit_1, "digit_2"] -> read', "LEGO104"),
        ("path p = [digit_1, [digit_2]] -> read", "LEGO104"),
        (SHARED, "LEGO321"),
        (BACKGROUND, "LEGO321"),
    ],
)
def test_mistakes_are_named_once(tmp_path: Path, text: str, code: str) -> None:
    assert found_in(tmp_path, MODULES + text) == [(code, Severity.ERROR)]


def test_each_missing_edge_is_named(tmp_path: Path) -> None:
    text = MODULES.replace("  adapter digit_${digit} -> early {}\n", "")
    found = found_in(tmp_path, text + "path p = [digit_1, digit_2, digit_3] -> [read, early]")
    assert found == [("LEGO311", Severity.ERROR)] * 2
