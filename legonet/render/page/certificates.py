"""What a certificate says, as JSON values: figures, and readable sections of facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from legonet.goals import goal_of, is_against_teacher
from legonet.graph.state import EdgeState, State, error_of
from legonet.render import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from legonet.building import Step
    from legonet.render.built import Size

Figures = dict[str, Any]

_METRICS = {"iou": "IoU", "auc": "area under the ROC curve"}
_ORDER = (
    "error_rate",
    "pixel_accuracy",
    "iou",
    "precision",
    "recall",
    "balanced_pixel_accuracy",
    "agreement",
    "auc",
    "best_error_rate",
    "best_pixel_accuracy",
    "best_threshold",
    "calibration_error",
)
"""The most important figures come first; a figure that is not listed here comes last."""
_LOGITS = ("best_threshold",)
_OTHERS = ("teacher_", "donor_")
_LIMITS = ("_low", "_high")


def size(size: Size | None) -> Figures:
    """Return how large a module is, in a few words for the picture and more for its details."""
    if size is None:
        return {"parameters": "", "size": ""}
    return {"parameters": words.parameters(size), "size": words.size(size)}


def certificate_of(step: Step | None) -> Mapping[str, Any]:
    """Return what is known about how a step was built; empty if it is not built."""
    return {} if step is None or step.artifact is None else step.artifact.certificate


def metrics(metrics: Mapping[str, float]) -> list[Figures]:
    """Return the figures, each with the teacher's and the donor's if there are any.

    A figure may have the limits of its 95 % interval; all except logits and the numbers of some
    goals are shares.
    """
    goal = goal_of(metrics)
    return [
        {
            "name": _METRICS.get(name, name.replace("_", " ")),
            "own": value,
            "low": metrics.get(f"{name}_low"),
            "high": metrics.get(f"{name}_high"),
            "teacher": metrics.get(f"teacher_{name}"),
            "donor": metrics.get(f"donor_{name}"),
            "is_share": name not in _LOGITS and (goal is None or goal.figure_is_share),
        }
        for name, value in sorted(metrics.items(), key=_place)
        if not name.startswith(_OTHERS) and not name.endswith(_LIMITS)
    ]


def _place(metric: tuple[str, float]) -> int:
    return _ORDER.index(metric[0]) if metric[0] in _ORDER else len(_ORDER)


def quality(metrics: Mapping[str, float]) -> Figures | None:
    """Return the share of wrong answers, of pictures or of pixels, and the teacher's.

    ``half`` is the larger half of its 95 % interval, if that is known. An error that is no such
    share has ``shown``, in words: of numbers, or where the teacher's answers stand for the right
    ones.
    """
    goal, own, teacher = goal_of(metrics), error_of(metrics), error_of(metrics, "teacher")
    if goal is None or own is None:
        return None
    value, low, high = own
    plain = goal.figure_is_share and not is_against_teacher(metrics)
    own_words = words.error_words(EdgeState(State.BUILT, metrics))
    teachers = "" if teacher is None else goal.text(teacher[0])
    shown = {} if plain else {"shown": {"own": own_words, "teacher": teachers}}
    return {
        **shown,
        "of": f"{goal.unit}s",
        "own": value,
        "half": None if low is None or high is None else max(value - low, high - value),
        "teacher": None if teacher is None else teacher[0],
    }


def warnings(certificate: Mapping[str, Any]) -> list[str]:
    """Return the warnings of a certificate."""
    learned = (certificate.get("learned") or {}).get("warnings") or ()
    return [*learned, *(item["message"] for item in certificate.get("warnings") or ())]


def failure(certificate: Mapping[str, Any]) -> list[str]:
    """Return why a learned edge failed, and what to do; empty for a good one."""
    found = certificate.get("failure")
    return [] if found is None else [found["message"], *found["help"]]


def why_no_curve(certificate: Mapping[str, Any], *, trained: bool) -> str:
    """Return why there is no loss curve."""
    if not trained:
        return "Nothing was trained here."
    if not certificate:
        return "It is not built yet; `legonet build` draws its loss curve."
    because = (certificate.get("learned") or {}).get("trained_because")
    because = because or (certificate.get("learned") or {}).get("steps_because")
    return f"No training took place: {because}." if because else "No loss curve was kept."


Fact = list[str]
"""A label and a value, optionally followed by a link target such as ``network:cat_net``."""

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
    """Return a section, or nothing if there are no facts; a deep section is folded at first."""
    return [{"title": title, "facts": list(facts), "deep": deep}] if facts else []


def sections_of(certificate: Mapping[str, Any]) -> list[Section]:
    """Return everything that a certificate says, except its metrics, curves and warnings."""
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
    """Yield a fact for each value; nested values are prefixed with the names above them."""
    for name, value in values.items():
        label = f"{above}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            yield from facts(value, f"{label}: ")
        elif value is not None:
            yield [label, text(value)]


def text(value: Any) -> str:
    """Return a JSON value as people write it."""
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
