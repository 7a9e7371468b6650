"""The forms after ``weights:`` in a ``network`` block, and how they are loaded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from legonet.language.base import Form, Frozen
from legonet.registry import Registry

_HUB_NAME = re.compile(r"(?:hf-hub|hf_hub):(?P<repository>[^@]*)(?:@(?P<revision>.*))?")


class WeightsFile(Frozen):
    """Pretrained weights in a file or a folder, given as a plain path.

    A file may be in the safetensors format, a ``.pth``, ``.pt`` or ``.bin`` file of torch, or the
    ``.index.json`` of weights in several files; a folder is one of the Hugging Face libraries.

    Args:
        file: The file or the folder.
    """

    file: Path

    @classmethod
    def of_text(cls, text: str, folder: Path) -> Weights:
        """Return the weights that a string names: a path, or ``hf-hub:NAME@REVISION``.

        Args:
            text: The string.
            folder: The folder to which a path is relative.

        Raises:
            ValueError: The name has no revision; the message says what to write.
        """
        named = _HUB_NAME.fullmatch(text)
        if named is None:
            return cls(file=folder / text)
        if not (named["repository"] and named["revision"]):
            raise ValueError(f'write `"{text.partition("@")[0]}@REVISION"`, with a commit hash')
        return HubWeights(repository=named["repository"], revision=named["revision"])


class TorchvisionWeights(Form):
    """Pretrained weights from torchvision, for torchvision's models.

    Args:
        name: Torchvision's own name for them, such as ``IMAGENET1K_V1``.
    """

    call: ClassVar[str] = "torchvision"
    name: str


class HubWeights(Form):
    """Pretrained weights from the Hugging Face Hub, pinned to a revision.

    Args:
        repository: The repository, as ``organisation/name``.
        revision: A commit hash, so that you get the same weights every time; a branch or a tag may
            move.
        file: The file in the repository, of any format that a weights file may have.
    """

    call: ClassVar[str] = "hub"
    repository: str
    revision: str
    file: str = "model.safetensors"


WEIGHTS: Registry[Form] = Registry(
    Form,
    "",
    {
        "torchvision": "legonet.language.weights:TorchvisionWeights",
        "hub": "legonet.language.weights:HubWeights",
    },
)

Weights = WeightsFile | TorchvisionWeights | HubWeights


def _renaming(text: str) -> str:
    old, arrow, new = (part.strip() for part in text.partition("->"))
    if not (old and arrow) or "->" in new:
        raise PydanticCustomError("renaming", "two names with `->` between them")
    if new.count("*") > old.count("*"):
        raise PydanticCustomError("renaming", "no more `*` after the arrow than before it")
    return text


class Loading(Frozen):
    """How the tensors of ``weights`` are matched with those of the network.

    What all their names begin with, such as ``module.`` or ``backbone.``, is left out first.

    Args:
        rename: What to call tensors, as ``"OLD -> NEW"``: a name that begins with the dotted OLD
            begins with NEW instead. ``*`` stands for one part of a name. Each rule applies to what
            those before it give.
        excluded: Names of tensors that are left as they are, such as ``classifier.*``; ``*`` stands
            for anything. The network needs a recipe (``train``) if it has some of them.
        match: By ``name``, or by ``order``: the first tensor of the file is the first of the
            network, and so on. All shapes must agree.
        entry: The entry of the file that holds the tensors, such as ``model_ema``, if there are
            several.
    """

    rename: tuple[Annotated[str, AfterValidator(_renaming)], ...] = ()
    excluded: tuple[str, ...] = Field(default=(), alias="except")
    match: Literal["name", "order"] = "name"
    entry: str | None = None
