"""No text makes anything but diagnostics, and every diagnostic points into its text.

With ``LEGONET_RANDOM_INPUTS=20000`` in the environment each property is tried on so many inputs,
other ones each time; otherwise on 300, always the same ones.
"""

from __future__ import annotations

import json
import os
import re
import statistics
from collections.abc import Iterable
from pathlib import Path
from unicodedata import category, east_asian_width

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from legonet.diagnostics import CODES, Diagnostic, SourceText, Span, in_order
from legonet.diagnostics.github import to_github
from legonet.diagnostics.json import to_json
from legonet.diagnostics.text import LONGEST_EXCERPT, to_text
from legonet.graph import check_file
from legonet.syntax import parse

VALID = """\
# digits: one network donates the task, two others donate categories
let cut = "features.4"
let root = "../data"

data pictures { source: digits(), size: 16 }
data crops {
  source: manifest("${root}/crops", only: "voc")
}

network base {
  model: legonet.small_vgg(classes: 10)
  train { data: pictures, epochs: 3, learning_rate: 1e-3 }
}
network zero_net {
  model: legonet.small_vgg(classes: 1)
  init: base
  train { data: pictures, category: "0", frozen: "features.1" }
}
network ready {
  model: torchvision.vgg16(num_classes: 1)
  weights: hub("org/name", revision: "4f2", file: "model.safetensors")
}
category zero { from: zero_net, until: cut }
task classify { from: zero_net, after: cut }
adapter zero -> classify

for digit in [one, two] {
  network ${digit}_net {
    model: legonet.small_vgg(1, channels: 32)
    init: base
    train { data: pictures, category: ${digit} }
  }
  category ${digit} { from: ${digit}_net, until: cut }
  adapter ${digit} -> classify {
    layers: [conv(1), conv(3)]
    method: back_distillation(init: solve, weight: 0.5, steps: 10, channel_shared: true)
    samples: 20
  }
}
path finder = one -> classify
"""
WORDS = sorted(
    {
        *VALID.split(),
        *'{}()[],:.=->"#$',
        "import",
        "as",
        "in",
        "${cut}",
        "true",
        "-1",
        "1e999",
        "\n",
    }
)

SPECS = [
    VALID,
    *(
        path.read_text(encoding="utf-8")
        for path in sorted((Path(__file__).parents[2] / "specs").glob("*.lego"))
    ),
]
RANDOM_INPUTS = int(os.environ.get("LEGONET_RANDOM_INPUTS", "0"))

MANY = settings(
    max_examples=RANDOM_INPUTS or 300,
    deadline=None,
    derandomize=not RANDOM_INPUTS,
    database=None,
    suppress_health_check=list(HealthCheck),
)

any_text = st.text(max_size=200)
any_bytes = st.binary(max_size=100)
likely_text = st.lists(
    st.tuples(st.sampled_from(WORDS), st.sampled_from([" ", "", "\n"])), max_size=60
).map(lambda pairs: "".join(map("".join, pairs)))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good spec with lines, words or letters left out, doubled, swapped, put in or cut off."""
    text = draw(st.sampled_from(SPECS))
    cut = draw(st.sampled_from([str.splitlines, _words, list]))
    pieces = cut(text, True) if cut is str.splitlines else list(cut(text))
    for _ in range(draw(st.integers(1, 4))):
        one = draw(st.integers(0, len(pieces) - 1))
        other = draw(st.integers(0, len(pieces) - 1))
        match draw(st.sampled_from(["leave out", "double", "swap", "put in", "cut off"])):
            case "leave out" if len(pieces) > 1:
                del pieces[one]
            case "double":
                pieces.insert(one, pieces[one])
            case "put in":
                pieces.insert(one, draw(st.one_of(st.sampled_from(WORDS), st.text(max_size=3))))
            case "cut off":
                pieces = pieces[one:] if draw(st.booleans()) else pieces[: one + 1]
            case _:
                pieces[one], pieces[other] = pieces[other], pieces[one]
    return "".join(pieces)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good spec with bytes put in that may be no characters."""
    content = draw(st.sampled_from(SPECS)).encode()
    place = draw(st.integers(0, len(content)))
    return content[:place] + draw(st.binary(max_size=4)) + content[place:]


def _words(text: str) -> Iterable[str]:
    word = ""
    for letter in text:
        if word and letter.isalnum() != word[-1].isalnum():
            yield word
            word = ""
        word += letter
    yield word


@MANY
@given(text=st.one_of(any_text, likely_text, mutated()))
def test_any_text_parses_to_a_tree_and_diagnostics(text: str) -> None:
    source = SourceText("any.lego", text)
    parsed = parse(source)
    assert parsed.ast.source is source
    check_diagnostics(parsed.diagnostics)


@MANY
@given(text=st.one_of(any_text, likely_text, mutated(), mutated(), mutated()))
def test_any_file_is_checked_without_an_exception(text: str, tmp_path: Path) -> None:
    file = tmp_path / "any.lego"
    file.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    _, found = check_file(file)
    assert found == in_order(found)
    check_diagnostics(found)


@MANY
@given(content=st.one_of(any_bytes, spoiled()))
def test_any_bytes_are_checked_without_an_exception(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "any.lego"
    file.write_bytes(content)
    _, found = check_file(file)
    check_diagnostics(found)


@MANY
@given(text=mutated())
def test_checking_twice_says_the_same(text: str, tmp_path: Path) -> None:
    file = tmp_path / "any.lego"
    file.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    first, second = (check_file(file) for _ in range(2))
    assert first[0] == second[0]
    assert list(map(to_text, first[1])) == list(map(to_text, second[1]))


TOKEN = re.compile(r'"[^"\n]*"|(?:\w|\$\{\w+\})+|->|\S')


@pytest.mark.parametrize("copies", [0, 2])
@pytest.mark.parametrize("number", range(len(SPECS)))
def test_one_token_too_few_or_too_many_makes_one_error(
    copies: int, number: int, tmp_path: Path
) -> None:
    text = re.sub(r"#.*", "", SPECS[number])
    file = tmp_path / "spec.lego"
    counts = []
    for start, end in (found.span() for found in TOKEN.finditer(text)):
        file.write_text(text[:start] + f"{text[start:end]} " * copies + text[end:])
        counts.append(len(check_file(file)[1]))
    assert statistics.median(counts) == 1
    assert sum(count <= 1 for count in counts) >= 0.99 * len(counts)
    assert max(counts) <= 3


def check_diagnostics(found: Iterable[Diagnostic]) -> None:
    for item in found:
        assert item.code in CODES
        assert item.message == item.message.strip()
        assert "\n" not in item.message
        assert not item.message.endswith(".") or item.message.endswith("..")
        text = to_text(item)
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        json.dumps(to_json(item))
        assert "\n" not in to_github(item)
        if item.span is not None:
            check_span(item.span)
            check_carets(item.span, text)
        for step in item.trace:
            check_span(step.span)


def check_span(span: Span) -> None:
    assert 0 <= span.start <= span.end <= len(span.source.text)
    assert (span.line, span.column) <= (span.end_line, span.end_column)
    assert span.column <= len(span.source.line(span.line)) + 2


def check_carets(span: Span, text: str) -> None:
    """The carets are below the text of the span, by the columns of a terminal."""
    lines = text.split("\n")
    shown = lines[3].partition("|")[2].removeprefix(" ")
    pointer = lines[4].partition("|")[2].removeprefix(" ")
    first = len(pointer) - len(pointer.lstrip(" "))
    count = len(pointer) - first - len(pointer.lstrip(" ").lstrip("^"))
    line = span.source.line(span.line)
    end = span.end_column if span.end_line == span.line else len(line) + 1
    marked = line[span.column - 1 : end - 1].rstrip()
    if len(line) > LONGEST_EXCERPT or "\t" in marked:
        return
    if marked and columns("x" + marked)[1] == 0:  # a combining mark alone takes no column
        return
    under = [
        letter
        for letter, column in zip(shown, columns(shown), strict=True)
        if first <= column < first + count
    ]
    expected = "".join(letter if letter.isprintable() else "\ufffd" for letter in marked)
    assert "".join(under).rstrip().startswith(expected) or not expected


def columns(text: str) -> list[int]:
    found, column = [], 0
    for letter in text:
        zero = category(letter) in ("Mn", "Me")
        found.append(column - (1 if zero and column else 0))
        column += 0 if zero else 2 if east_asian_width(letter) in "WF" else 1
    return found


@pytest.mark.parametrize(
    "line", ["\t\tx", "写真x", "e\u0301x", "a\tx", "写\tx", "\x1bx", "\ufe0fx"]
)
def test_the_caret_stands_under_the_letter(line: str) -> None:
    source = SourceText("any.lego", line)
    at = line.index("x")
    text = to_text(Diagnostic("LEGO104", "a mistake", Span(source, at, at + 1)))
    shown, pointer = (text.split("\n")[number].partition("| ")[2] for number in (3, 4))
    assert columns(shown)[shown.index("x")] == pointer.index("^")
