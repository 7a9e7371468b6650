"""Image models of transformers, from a folder or from the hub."""

from __future__ import annotations

import importlib
import json
from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field

from legonet.diagnostics import DiagnosticError
from legonet.language.inputs import Input
from legonet.language.markers import NameOrNumber
from legonet.language.models import ModelForm
from legonet.modules.hub_files import hub_file_if_any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

_CLASSES = {"classifier": "AutoModelForImageClassification", "backbone": "AutoModel"}
"""The class of transformers for each kind of network."""

_OUTPUTS = {"classifier": "logits", "backbone": "last_hidden_state"}

_INTERPOLATIONS = {0: "nearest", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of them, which processors hold."""


class _TransformersForm(ModelForm):
    """What models of transformers have in common, wherever their files are."""

    goal = "classification"
    # Each form has these fields itself, after its own.
    if TYPE_CHECKING:
        head: Literal["classifier", "backbone"]
        classes: int | None
        output: str | int | None

    def answering(self, output: str | int) -> Self:
        """Return the model with one of its outputs as the answer."""
        return self.model_copy(update={"output": output})

    @property
    def outputs(self) -> int | None:
        """How many outputs it has; None if its configuration does not say so."""
        names = self._settings("config.json").get("id2label")
        return self.classes or (len(names) if isinstance(names, dict) else None)

    @property
    def labels(self) -> tuple[str, ...] | None:
        """What its outputs mean, as its configuration says; None where it has only numbers."""
        names = self._settings("config.json").get("id2label")
        if self.head != "classifier" or not isinstance(names, dict) or len(names) != self.outputs:
            return None
        found = tuple(str(names.get(str(number), "")) for number in range(len(names)))
        plain = all(name.startswith("LABEL_") for name in found)
        return None if plain or not all(found) else found

    def own_input(self) -> Input | None:
        """Return what its image processor makes of pictures; None if it has none."""
        given = self._settings("preprocessor_config.json")
        if not given:
            return None
        white = 1 if given.get("do_rescale", True) else 255
        mean, std = given.get("image_mean"), given.get("image_std")
        if not given.get("do_normalize", True) or mean is None or std is None:
            mean, std = [0.0], [1.0]
        interpolation: Any = _INTERPOLATIONS.get(given.get("resample", 2), "bilinear")
        return Input(
            mean=_numbers(mean),
            std=_numbers(std),
            range=255 if white == 255 else 1,
            size=self._only_size(),
            interpolation=interpolation,
        )

    def build(self) -> nn.Module:
        """Return the network.

        Raises:
            DiagnosticError: transformers is not installed, or these are not files of such a model.
        """
        from legonet.modules.transformers_networks import NamedOutput

        library = self._library()
        try:
            network = self._class(library).from_config(
                self._config(library), attn_implementation="eager", trust_remote_code=False
            )
        # Whatever files make of the library's code is reported as their fault.
        except Exception as error:
            raise self._refused(error) from error
        return NamedOutput(network, self.output or _OUTPUTS[self.head])

    def ready_state(self, place: Path) -> Mapping[str, Tensor] | None:
        """Return the tensors in a folder by the names that transformers has for them today.

        Args:
            place: What ``weights`` names; anything but a folder keeps its names.

        Raises:
            DiagnosticError: transformers cannot load them.
        """
        if not place.is_dir():
            return None
        library = self._library()
        try:
            network, found = self._class(library).from_pretrained(
                place,
                config=self._config(library),
                local_files_only=True,
                trust_remote_code=False,
                weights_only=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                dtype="auto",
            )
        except Exception as error:
            raise self._refused(error) from error
        # What was not in the files is at random, and so is what did not fit.
        strange = {
            item[0] if isinstance(item, tuple) else item for item in found["mismatched_keys"]
        }
        strange |= set(found["missing_keys"])
        return {
            f"model.{name}": tensor
            for name, tensor in network.state_dict().items()
            if name not in strange
        }

    def _class(self, library: Any) -> Any:
        return getattr(library, _CLASSES[self.head])

    def _config(self, library: Any) -> Any:
        place = self._file("config.json")
        if place is None:
            raise self._refused(FileNotFoundError("there is no `config.json`"))
        config = library.AutoConfig.from_pretrained(
            place.parent, local_files_only=True, trust_remote_code=False
        )
        if self.classes is not None and self.head == "classifier":
            config.num_labels = self.classes
        return config

    def _library(self) -> Any:
        try:
            return importlib.import_module("transformers")
        except ImportError as error:
            raise DiagnosticError.of(
                "LEGO503",
                f"`{self.call}` needs transformers, which cannot be imported: {error}",
                label="library missing",
                help=["pip install 'legonet[transformers]'"],
            ) from error

    def _refused(self, error: Exception) -> DiagnosticError:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        return DiagnosticError.of(
            "LEGO501",
            f"transformers cannot make a {self.head} of {self._origin}: {reason}",
            label="not accepted by the library",
            help=["expected the files of a model that it has, as `save_pretrained` writes them"],
        )

    def _only_size(self) -> int | None:
        """Return the only size of pictures that the network takes; None if it takes others."""
        config = self._settings("config.json")
        size = config.get("image_size")
        kind = str(config.get("model_type", ""))
        pyramid = "depths" in config or kind.startswith(("dinov2", "hiera"))
        plain = isinstance(size, int) and "patch_size" in config and not pyramid
        return size if plain else None

    def _settings(self, name: str) -> dict[str, Any]:
        """Return what one of the files says; nothing if it is missing or damaged."""
        file = self._file(name)
        try:
            found = json.loads(file.read_bytes()) if file else {}
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    @abstractmethod
    def _origin(self) -> str:
        """What messages call the place of its files."""

    @abstractmethod
    def _file(self, name: str) -> Path | None:
        """Return where one of its files is; None if it has no such file."""


class TransformersModel(_TransformersForm):
    """An image model of transformers, from a folder with its ``config.json``.

    Its modules have transformers' own names after ``model.``. ``weights`` may name the same folder.
    Code in the folder is never run. The input is that of its ``preprocessor_config.json``.

    Args:
        folder: The folder, as ``save_pretrained`` writes it or ``hf download`` fetches it.
        head: What it is: a ``classifier`` or, without a head, a ``backbone``.
        classes: Number of outputs of a classifier. Default: as in the folder.
        output: Which of the named outputs is the answer. Default: ``logits`` of a classifier,
            ``last_hidden_state`` of a backbone.
    """

    call = "transformers.model"
    folder: Path
    head: Literal["classifier", "backbone"] = "classifier"
    classes: int | None = Field(default=None, ge=1)
    output: Annotated[str | int, NameOrNumber()] | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The file that says what the network is."""
        return (self.folder / "config.json",)

    @property
    def _origin(self) -> str:
        return str(self.folder)

    def _file(self, name: str) -> Path | None:
        file = self.folder / name
        return file if file.is_file() else None


class TransformersHubModel(_TransformersForm):
    """An image model of transformers, from the Hugging Face Hub, pinned to a revision.

    Its configuration is fetched as soon as a spec is read, and kept in the hub's own cache. Its
    weights are those of ``hub(..)`` with the same repository and revision. Code in the repository
    is never run. All else is as for a model in a folder.

    Args:
        repository: The repository, as ``organisation/name``.
        revision: A commit hash, so that you get the same network every time; a branch or a tag may
            move.
        head: What it is: a ``classifier`` or, without a head, a ``backbone``.
        classes: Number of outputs of a classifier. Default: as in the repository.
        output: Which of the named outputs is the answer. Default: ``logits`` of a classifier,
            ``last_hidden_state`` of a backbone.
    """

    call = "transformers.hub"
    repository: str
    revision: str
    head: Literal["classifier", "backbone"] = "classifier"
    classes: int | None = Field(default=None, ge=1)
    output: Annotated[str | int, NameOrNumber()] | None = None

    @property
    def _origin(self) -> str:
        return f"{self.repository} at {self.revision}"

    def _file(self, name: str) -> Path | None:
        return hub_file_if_any(self.repository, name, self.revision)


def _numbers(values: Any) -> tuple[float, ...]:
    listed = [values] if isinstance(values, int | float) else list(values)
    return tuple(map(float, listed if len(listed) == 3 else listed[:1] * 3))
