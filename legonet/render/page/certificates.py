"""What a certificate says, in sections of facts that people can read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Fact = list[str]
"""A label and a value; behind them maybe what the value leads to, such as ``network:cat_net``."""

Section = dict[str, Any]
"""A ``title`` and its ``facts``."""

_SHOWN_APART = ("loss_curve", "held_out_loss", "warnings")
_TERMS = ("task", "teacher", "gradients")
_COURSE = {
    "method": "method",
    "trained_by": "trained by",
    "trained_because": "because",
    "start": "start",
    "start_because": "because",
    "steps": "steps taken",
    "most_steps": "steps at most",
    "steps_because": "because",
    "learning_rate": "learning rate",
    "labelled": "pictures with labels",
    "taught": "pictures with the teacher's answers",
}


def section(title: str, facts: Sequence[Fact], *, deep: bool = False) -> list[Section]:
    """Return a section, or nothing where there are no facts; a deep one is folded at first."""
    return [{"title": title, "facts": list(facts), "deep": deep}] if facts else []


def sections_of(certificate: Mapping[str, Any]) -> list[Section]:
    """Return everything that a certificate says, less its metrics, curves and warnings."""
    learned = dict(certificate.get("learned") or {})
    for name in _SHOWN_APART:
        learned.pop(name, None)
    course = [
        [label, text(learned.pop(name))]
        for name, label in _COURSE.items()
        if learned.get(name) is not None
    ]
    seconds = certificate.get("seconds")
    if seconds is not None:
        course.append(["time", f"{seconds:.1f} s"])
    digests = [
        [name, str(certificate[field])]
        for name, field in (("tensors", "sha256"), ("key", "key"))
        if field in certificate
    ]
    return [
        *section("How it was learned", course),
        *section("Measured on the way", list(facts(learned))),
        *section("Shape", list(facts(certificate.get("adapter") or {})), deep=True),
        *section("Made from", list(facts(certificate.get("inputs") or {})), deep=True),
        *section("Environment", list(facts(certificate.get("environment") or {})), deep=True),
        *section("SHA-256", digests, deep=True),
    ]


def facts(values: Mapping[str, Any], above: str = "") -> Iterator[Fact]:
    """Give a fact for each value; nested ones carry the names above them."""
    for name, value in values.items():
        label = f"{above}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from facts(value, f"{label}: ")
        elif value is not None:
            yield [label, text(value)]


def text(value: Any) -> str:
    """Return a value of JSON as people write it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case list() | tuple():
            return ", ".join(text(item) for item in value)
    return str(value)


def curve_of(certificate: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a certificate's loss curve: steps, losses by term, losses on held-out examples.

    A loss that was not finite is None.
    """
    learned = certificate.get("learned") or {}
    rows = learned.get("loss_curve") or []
    held_out = learned.get("held_out_loss") or []
    if not rows and not held_out:
        return None
    found = {name for row in rows for name in row}
    terms = [name for name in _TERMS if name in found]
    return {
        "steps": [row["step"] for row in rows],
        "terms": {name: [_rounded(row.get(name)) for row in rows] for name in terms},
        "held_out": [[step, _rounded(loss)] for step, loss in held_out],
    }


def _rounded(loss: float | None) -> float | None:
    return None if loss is None else float(f"{loss:.5g}")
