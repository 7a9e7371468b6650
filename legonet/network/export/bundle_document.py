"""What the JSON file of a bundle says: how to rebuild an application, and what it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from legonet.diagnostics import DiagnosticError, shortened
from legonet.language.base import Frozen
from legonet.language.declarations import Kernel
from legonet.language.inputs import Input
from legonet.language.models import LIBRARIES, MODELS, CodeModel, LibraryModel, Model
from legonet.modules.adapter import Activation
from legonet.modules.bridge import Bridge
from legonet.modules.models import registered_model
from legonet.text_bytes import json_text

FORMAT = "legonet.bundle"
VERSION = 1
"""Of the format; a reader refuses those that it does not know."""


class Half(Frozen):
    """A network that is cut in two, of which the bundle holds one half.

    Args:
        model: The network's dotted name, as in a spec.
        arguments: Of the model.
        cut: Torch's own path of the last module of the category module.
        input: What the network expects of its pictures; None for what an application is given.
        output: Which of its outputs is the answer; None for the only or the usual one.
    """

    model: str
    arguments: dict[str, Any]
    cut: str
    input: Input | None = None
    output: str | int | None = None


class Join(Frozen):
    """An adapter.

    Args:
        channels_in: Channels of the category module's feature map.
        channels_out: Channels that the task module expects.
        kernels: Kernel sizes of its convs, bottom first.
        activation: What the adapter's features end with.
        calibrated: Whether a scale and an offset of the answer belong to the edge.
        bridge: What brings features into the form of maps and back; None where they are maps of
            one size already.
    """

    channels_in: int = Field(ge=1)
    channels_out: int = Field(ge=1)
    kernels: tuple[Kernel, ...] = Field(min_length=1)
    activation: Activation = "relu"
    calibrated: bool = False
    bridge: Bridge | None = None


class Document(Frozen):
    """All that the JSON file says.

    Args:
        format: `FORMAT`.
        version: `VERSION`.
        application: What goes in and what comes out; ``sha256`` in it has the digests of the
            tensors of each part.
        category: The network of the category module.
        adapter: The adapter; None for a direct edge.
        task: The network of the task module.
    """

    format: Literal["legonet.bundle"] = "legonet.bundle"
    version: Literal[1] = 1
    application: dict[str, Any]
    category: Half
    adapter: Join | None
    task: Half

    @field_validator("application")
    @classmethod
    def _names_its_ends(cls, application: dict[str, Any]) -> dict[str, Any]:
        if not all(isinstance(application.get(end), str) for end in ("category", "task")):
            raise ValueError("no `category` and `task`")
        return application

    def encode(self) -> bytes:
        """Return the contents of the file, with a digest of all else in it."""
        contents = self.model_dump(mode="json")
        if self.adapter is not None and self.adapter.bridge is None:
            del contents["adapter"]["bridge"]
        for half in (contents["category"], contents["task"]):
            for field in ("input", "output"):
                if half[field] is None:
                    # As in bundles that were written before networks could say so.
                    del half[field]
        contents["sha256"] = _digest(contents)
        return json_text(contents, indent=2).encode() + b"\n"

    @classmethod
    def decode(cls, contents: bytes, file: Path) -> Document:
        """Read the contents of the file.

        Args:
            contents: Its contents.
            file: Its name, for errors.

        Raises:
            DiagnosticError: LEGO770, it is no bundle; LEGO771, one of another version; LEGO772, it
                is not what was written.
        """
        found = _object(contents)
        if found.get("format") != FORMAT:
            raise _no_bundle(file, f'it has no `"format": "{FORMAT}"`')
        version = shortened(json.dumps(found.get("version")))
        if version != str(VERSION):
            raise DiagnosticError.of(
                "LEGO771",
                f"expected a bundle of version {VERSION}, found {version} in `{file}`",
                help=["open it with the version of legonet that wrote it, or export it again"],
            )
        if found.pop("sha256", None) != _digest(found):
            raise damaged(file, "its text does not match its digest")
        try:
            return cls.model_validate_json(json.dumps(found))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise _no_bundle(file, f"`{where}`: {first['msg'].lower()}") from error


def is_bundle(contents: bytes) -> bool:
    """Whether the contents of a file are a bundle's, of whatever version."""
    return _object(contents).get("format") == FORMAT


def half_of(model: Model, cut: str, settings: Input | None = None) -> Half:
    """Return how to rebuild a network, where to cut it, and what it expects of its pictures.

    Raises:
        DiagnosticError: It comes from a file of code, which a bundle does not hold.
    """
    if isinstance(model, CodeModel):
        raise DiagnosticError.of(
            "LEGO774",
            f"a bundle cannot hold `{model.file.name}`, whose code makes a network of it",
            help=["export a program, which needs no such file: `-o NAME.pt2` or `-o NAME.onnx`"],
        )
    arguments = model.arguments if isinstance(model, LibraryModel) else model.model_dump()
    return Half(model=model.call, arguments=arguments, cut=cut, input=settings, output=model.answer)


def model_of(half: Half) -> Model:
    """Return the model that `half_of` was given.

    Raises:
        pydantic.ValidationError: The model has other arguments.
        DiagnosticError: No package that is installed has such a model.
    """
    library, _, name = half.model.partition(".")
    if library in LIBRARIES and half.model not in MODELS:
        arguments = {name: _with_tuples(value) for name, value in half.arguments.items()}
        model: Model = LibraryModel(library=library, name=name, arguments=arguments)
    else:
        model = registered_model(half.model).model_validate_json(json.dumps(half.arguments))
    return model if half.output is None else model.answering(half.output)


def damaged(file: Path, reason: str) -> DiagnosticError:
    """Return what to say of a bundle that is not what was written."""
    return DiagnosticError.of(
        "LEGO772",
        f"the bundle `{file}` is damaged: {reason}",
        help=["export it again, or copy both of its files again"],
    )


def _no_bundle(file: Path, reason: str) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO770",
        f"expected the JSON file of a bundle, but `{file}` is none: {reason}",
        help=["a bundle is a pair of files that `legonet export -o NAME.safetensors` wrote"],
    )


def _object(contents: bytes) -> dict[str, Any]:
    try:
        found = json.loads(contents)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _digest(contents: dict[str, Any]) -> str:
    return hashlib.sha256(json_text(contents, sort_keys=True, ascii_only=True).encode()).hexdigest()


def _with_tuples(value: Any) -> Any:
    """Return a value of JSON as it was in a spec, where lists are never changed."""
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
