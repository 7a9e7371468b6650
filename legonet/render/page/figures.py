"""What is known of a network or an edge in figures, as values of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from legonet.render import words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from legonet.build import Step
    from legonet.render.sizes import Size

Figures = dict[str, Any]

_METRICS = {"iou": "IoU"}


def size(size: Size | None) -> Figures:
    """Return how large a module is, in few words for the picture and in more for its details."""
    if size is None:
        return {"parameters": "", "size": ""}
    return {"parameters": words.parameters(size), "size": words.size(size)}


def certificate_of(step: Step | None) -> Mapping[str, Any]:
    """Return what is known of how a step was built; empty where it is not."""
    return {} if step is None or step.artifact is None else step.artifact.certificate


def metrics(metrics: Mapping[str, float]) -> list[Figures]:
    """Return the figures, each beside the teacher's where there is one."""
    return [
        {
            "name": _METRICS.get(name, name.replace("_", " ")),
            "own": value,
            "teacher": metrics.get(f"teacher_{name}"),
        }
        for name, value in metrics.items()
        if not name.startswith("teacher_")
    ]


def quality(metrics: Mapping[str, float]) -> Figures | None:
    """Return the share of answers that are wrong, of pictures or of pixels, and the teacher's."""
    if "error_rate" in metrics:
        wrong = {"of": "pictures", "own": metrics["error_rate"]}
        return wrong | {"teacher": metrics.get("teacher_error_rate")}
    if "pixel_accuracy" in metrics:
        teacher = metrics.get("teacher_pixel_accuracy")
        wrong = {"of": "pixels", "own": 1 - metrics["pixel_accuracy"]}
        return wrong | {"teacher": None if teacher is None else 1 - teacher}
    return None


def warnings(certificate: Mapping[str, Any]) -> list[str]:
    """Return what a certificate warns of."""
    return list((certificate.get("learned") or {}).get("warnings") or [])


def why_no_curve(certificate: Mapping[str, Any], *, trained: bool) -> str:
    """Return why there is no loss curve, for where there is none."""
    if not trained:
        return "Nothing was trained here."
    if not certificate:
        return "It is not built yet; `legonet build` draws its loss curve."
    because = (certificate.get("learned") or {}).get("trained_because")
    because = because or (certificate.get("learned") or {}).get("steps_because")
    return f"No training took place: {because}." if because else "No loss curve was kept."
