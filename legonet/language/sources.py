"""What comes after ``source:`` in a ``data`` block: where the pictures are."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from legonet.language.base import Form
from legonet.registry import Registry


class SourceForm(Form):
    """What all sources have in common, those of other packages too.

    Another package registers a subclass at the entry point ``legonet.sources``, by its ``call``.

    Attributes:
        opens: The `legonet.data.Source` that is opened with the form's arguments.
    """

    opens: ClassVar[Callable[..., object]]

    @property
    def has_background(self) -> bool | None:
        """Whether there are pictures of none of the categories; None if the files decide it."""
        found: bool | None = getattr(type(self).opens, "has_background", None)
        return found


SOURCES: Registry[SourceForm] = Registry(
    SourceForm,
    "legonet.sources",
    {
        "digits": "legonet.data.sources.digits:Digits",
        "manifest": "legonet.data.sources.manifest:Manifest",
        "folder": "legonet.data.sources.folder:Folder",
        "cifar10": "legonet.data.sources.cifar10:Cifar10",
        "cifar10_jpeg": "legonet.data.sources.cifar10_jpeg:Cifar10Jpeg",
        "voc": "legonet.data.sources.voc:Voc",
        "sbd": "legonet.data.sources.voc:Sbd",
        "pascal_part": "legonet.data.sources.pascal_part:PascalPart",
        "coco": "legonet.data.sources.coco:Coco",
        "voc_detection": "legonet.data.sources.voc_detection:VocDetection",
        "oxford_pets": "legonet.data.sources.oxford_pets:OxfordPets",
    },
)
"""The sources; other packages add theirs at the entry point ``legonet.sources``."""
