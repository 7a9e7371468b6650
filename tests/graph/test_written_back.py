"""What an edit changes in the text, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from legonet.diagnostics import DiagnosticError
from legonet.graph import ModuleGraph, check_file, load

Edit = Callable[[ModuleGraph], Any]

TEXT = """\
# about it all
data digits { source: digits() }

# the first
network a { model: legonet.small_vgg(1), weights: "a" } # alone

# grows

# the second
network b {
  model: legonet.small_vgg(1)   # small
  # from the first
  init: a
  train {data: digits, epochs: 3}  # short
}
# modules
category low { from: a, until: "features.4" }
category mid { from: b, until: "features.4" }
task top { from: a, after: "features.4" }
adapter low -> top
adapter mid -> top {
  layers: [conv(1), # one
    conv(3)]
  samples: 4, seed: 1
}
path x = low -> top
"""

CHANGES: dict[str, tuple[Edit, dict[str, str]]] = {
    "a value": (
        lambda g: g.change("network", "b", train={"epochs": 30}),
        {"epochs: 3}": "epochs: 30}"},
    ),
    "a field on a line of its own, whose comment may be about the next": (
        lambda g: g.change("network", "b", init=None),
        {"  init: a\n": ""},
    ),
    "the last field with its comments": (
        lambda g: g.change("network", "b", train=None),
        {"  train {data: digits, epochs: 3}  # short\n": ""},
    ),
    "fields on one line": (
        lambda g: g.change("adapter", "mid", "top", samples=5, unlabelled=7),
        {"samples: 4, seed: 1": "samples: 5, seed: 1, unlabelled: 7"},
    ),
    "a field in a nested block": (
        lambda g: g.change("network", "b", train={"category": "in", "learning_rate": 1e-4}),
        {"epochs: 3}": 'epochs: 3, category: "in", learning_rate: 0.0001}'},
    ),
    "comments in a value stay": (
        lambda g: g.change("adapter", "mid", "top", layers=[5]),
        {"layers: [conv(1), # one\n    conv(3)]": "# one\n  layers: [conv(5)]"},
    ),
    "a direct edge becomes another": (
        lambda g: g.connect("low", "top", samples=3),
        {"adapter low -> top\n": "adapter low -> top { samples: 3 }\n"},
    ),
    "an edge becomes a direct one": (
        lambda g: g.change("category", "mid", network="a").connect("mid", "top"),
        {
            "mid { from: b": "mid { from: a",
            TEXT[TEXT.index(" {\n  layers") : TEXT.index("\npath")]: "",
        },
    ),
    "a statement with the comments above it": (
        lambda g: g.remove("network", "b", cascade=True),
        {
            TEXT[TEXT.index("# the second") : TEXT.index("# modules")]: "",
            'category mid { from: b, until: "features.4" }\n': "",
            TEXT[TEXT.index("adapter mid") : TEXT.index("path")]: "",
        },
    ),
    "neighbours, whose comment may be about the others": (
        lambda g: g.remove("category", "low", cascade=True),
        {
            'category low { from: a, until: "features.4" }\n': "",
            "adapter low -> top\n": "",
            "path x = low -> top\n": "",
        },
    ),
    "a comment at the top is about the whole file": (
        lambda g: g.change("network", "b", train=None).remove("data", "digits"),
        {
            "data digits { source: digits() }\n": "",
            "  train {data: digits, epochs: 3}  # short\n": "",
        },
    ),
    "a name and all that refers to it": (
        lambda g: g.rename("network", "a", "base"),
        {
            "network a {": "network base {",
            "init: a\n": "init: base\n",
            "low { from: a,": "low { from: base,",
            "top { from: a,": "top { from: base,",
        },
    ),
    "new statements after the last of their kind": (
        lambda g: (
            g.add("network", "c", model="legonet.small_vgg(2)", weights="c")
            .add("category", "high", network="c", until="x")
            .connect("high", "top", samples=1, seed=2)
            .add("path", "y", category="high", task="top")
        ),
        {
            "# short\n}\n": "# short\n}\n\nnetwork c {\n  model: legonet.small_vgg(classes: 2)\n"
            '  weights: "c"\n}\n',
            'category mid { from: b, until: "features.4" }\n': "category mid { from: b, until:"
            ' "features.4" }\ncategory high { from: c, until: "x" }\n',
            "seed: 1\n}\n": "seed: 1\n}\n\nadapter high -> top {\n  samples: 1\n  seed: 2\n}\n",
            "path x = low -> top\n": "path x = low -> top\npath y = high -> top\n",
        },
    ),
}

LOOP = """\
let both = ["1", "2"]  # used below
data digits { source: digits() }
for i in both {  # each
  # nets
  network net_${i} {
    model: legonet.small_vgg(1)
    train { data: digits, category: i }
  }
  let n = "c_${i}"
  category ${n} { from: net_${i}, until: "features.4" } # cut
}
task top { from: net_1, after: "features.4" }
for c in [c_1, c_2] { adapter ${c} -> top { samples: 4 } }
"""
BODY = LOOP[LOOP.index("  # nets") : LOOP.index("}\ntask")]
ALONE = """\
# each
# nets
network net_2 {
  model: legonet.small_vgg(1)
  train { data: digits, category: "2" }
}
category c_2 { from: net_2, until: "features.4" } # cut
"""

LOOPS: dict[str, tuple[Edit, dict[str, str]]] = {
    "what is the same in every turn changes in the loop": (
        lambda g: [g.change("network", f"net_{i}", model="legonet.small_vgg(2)") for i in "12"],
        {"legonet.small_vgg(1)": "legonet.small_vgg(classes: 2)"},
    ),
    "what goes in every turn goes out of the loop": (
        lambda g: [g.disconnect(f"c_{i}", "top") for i in "12"],
        {"for c in [c_1, c_2] { adapter ${c} -> top { samples: 4 } }\n": ""},
    ),
    "a turn of its own is written out after the loop": (
        lambda g: g.change("network", "net_2", train={"epochs": 9}),
        {
            "in both {": 'in ["1"] {',
            "# cut\n}\n": "# cut\n}\n\n" + ALONE.replace('"2" }', '"2", epochs: 9 }'),
        },
    ),
    "a turn that goes leaves its value's place": (
        lambda g: g.remove("network", "net_2", cascade=True),
        {"in both {": 'in ["1"] {', "[c_1, c_2]": "[c_1]"},
    ),
    "a loop of which every turn is another is gone": (
        lambda g: g.rename("category", "c_2", "two").rename("category", "c_1", "one"),
        {
            "for i in both {  # each\n" + BODY + "}\n": ALONE.replace("net_2", "net_1")
            .replace('"2"', '"1"')
            .replace("c_2", "one")
            + "\n"
            + ALONE.replace("c_2", "two"),
            "for c in [c_1, c_2] { adapter ${c} -> top { samples: 4 } }\n": "adapter one -> top"
            " { samples: 4 }\n\nadapter two -> top { samples: 4 }\n",
        },
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_edit_changes_no_more_than_it_says(name: str, tmp_path: Path) -> None:
    check(tmp_path, TEXT, *CHANGES[name])


@pytest.mark.parametrize("name", CHANGES)
def test_line_ends_and_a_byte_order_mark_are_kept(name: str, tmp_path: Path) -> None:
    do, replaced = CHANGES[name]
    windows = {
        old.replace("\n", "\r\n"): new.replace("\n", "\r\n") for old, new in replaced.items()
    }
    check(tmp_path, "\ufeff" + TEXT.replace("\n", "\r\n"), do, windows)


@pytest.mark.parametrize("name", LOOPS)
def test_a_statement_of_a_loop(name: str, tmp_path: Path) -> None:
    check(tmp_path, LOOP, *LOOPS[name])


def check(folder: Path, text: str, do: Edit, replaced: dict[str, str]) -> None:
    file = folder / "spec.lego"
    file.write_bytes(text.encode())
    graph, _ = check_file(file)
    do(graph)
    assert graph.save() == (file,)
    for old, new in replaced.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    assert file.read_bytes().decode() == text
    assert check_file(file)[0] == graph


def test_a_nested_loop_is_written_out_turn_by_turn(tmp_path: Path) -> None:
    file = tmp_path / "spec.lego"
    file.write_text(
        "data digits { source: digits() }\n"
        "for a in [x, y] {\n"
        "  for b in [1, 2] {\n"
        "    network ${a}_${b} { model: legonet.small_vgg(b), train { data: digits, seed: b } }\n"
        "  }\n"
        "}\n"
    )
    graph = load(file)
    graph.change("network", "y_2", train={"epochs": 7}).save()
    assert file.read_text() == (
        "data digits { source: digits() }\n"
        "for a in [x] {\n"
        "  for b in [1, 2] {\n"
        "    network ${a}_${b} { model: legonet.small_vgg(b), train { data: digits, seed: b } }\n"
        "  }\n"
        "}\n"
        "\n"
        "for b in [1] {\n"
        "  network y_${b} { model: legonet.small_vgg(b), train { data: digits, seed: b } }\n"
        "}\n"
        "\n"
        "network y_2 { model: legonet.small_vgg(2), train { data: digits, seed: 2, epochs: 7 } }\n"
    )


def test_a_text_in_canonical_layout_stays_in_it(tmp_path: Path) -> None:
    file = tmp_path / "spec.lego"
    text = (
        "data digits { source: digits() }\n"
        "network n { model: legonet.small_vgg(classes: 1) }  # bare\n"
    )
    file.write_text(text)
    check_file(file)[0].change("network", "n", weights="n.safetensors").save()
    canonical = (
        "data digits { source: digits() }\n"
        "network n {\n"
        "  model: legonet.small_vgg(classes: 1)\n"
        '  weights: "n.safetensors"\n'
        "}  # bare\n"
    )
    assert file.read_text() == canonical
    file.write_text(text.replace("{ source", "{source"))
    check_file(file)[0].change("network", "n", weights="n.safetensors").save()
    assert '(classes: 1), weights: "n.safetensors" }  # bare' in file.read_text()


LIBRARY = 'network n { model: legonet.small_vgg(1), weights: "w" }  # ready\n'


def test_an_imported_file_changes_when_that_is_said(tmp_path: Path) -> None:
    file, library = tmp_path / "spec.lego", tmp_path / "lib" / "nets.lego"
    library.parent.mkdir()
    library.write_text(LIBRARY)
    text = 'import "lib/nets.lego" as lib\ncategory c { from: lib.n, until: "x" }\n'
    file.write_text(text)
    graph = load(file).rename("network", "lib.n", "lib.net")
    graph.change("network", "lib.net", weights="lib/other")
    with pytest.raises(DiagnosticError) as refused:
        graph.save()
    assert refused.value.diagnostics[0].code == "LEGO722"
    assert "nets.lego" in refused.value.diagnostics[0].message
    assert (file.read_text(), library.read_text()) == (text, LIBRARY)
    assert set(graph.save(imports=True)) == {file, library}
    assert file.read_text() == text.replace("lib.n,", "lib.net,")
    assert library.read_text() == LIBRARY.replace("n {", "net {").replace('"w"', '"other"')
    assert load(file) == graph


def test_a_file_that_is_imported_twice_says_the_same_both_times(tmp_path: Path) -> None:
    file = tmp_path / "spec.lego"
    (tmp_path / "lib.lego").write_text(LIBRARY)
    file.write_text('import "lib.lego" as p\nimport "lib.lego" as q\n')
    graph = load(file).change("network", "p.n", model="legonet.small_vgg(2)")
    (found,) = graph.check()
    assert found.code == "LEGO721"
    assert found.span is not None
    assert (Path(found.span.source.path).name, found.span.line) == ("lib.lego", 1)
    with pytest.raises(DiagnosticError, match="imported more than once"):
        graph.save(imports=True)
    graph.change("network", "q.n", model="legonet.small_vgg(2)").save(imports=True)
    assert load(file) == graph


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda g: g.change("network", "p.n", weights=None, init="own"), "has no word for `own`"),
        (lambda g: g.rename("network", "own", "name"), "makes it say the graph"),
        (lambda g: g.rename("network", "p.n", "q.n"), "begins with `p.`"),
    ],
)
def test_what_the_text_cannot_say_is_told(do: Edit, words: str, tmp_path: Path) -> None:
    file = tmp_path / "spec.lego"
    (tmp_path / "lib.lego").write_text(LIBRARY)
    file.write_text(
        'import "lib.lego" as p\nlet name = 3\n'
        'network own { model: legonet.small_vgg(1), weights: "w" }\n'
        'category c { from: own, until: "x" }\n'
    )
    before = file.read_bytes()
    graph = load(file)
    with pytest.raises(DiagnosticError, match=words) as refused:
        do(graph).save(imports=True)
    assert refused.value.diagnostics[0].code == "LEGO721"
    assert file.read_bytes() == before
