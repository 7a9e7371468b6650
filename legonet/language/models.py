"""The forms after ``model:`` in a ``network`` block."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr

from legonet.diagnostics import DiagnosticError
from legonet.language.base import Form, Frozen
from legonet.language.inputs import Input
from legonet.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from typing import Self


class Answering(Frozen):
    """A model of which a network may name the output that is its answer."""

    _answer: str | int | None = PrivateAttr(default=None)

    @property
    def answer(self) -> str | int | None:
        """Which of its outputs is the answer; None for its only one or its usual one."""
        return self._answer

    def answering(self, output: str | int) -> Self:
        """Return the model with one of its outputs as the answer."""
        model = self.model_copy()
        model._answer = output  # noqa: SLF001 - of its own copy
        return model


class ModelForm(Form, Answering):
    """What all models have in common, those of other packages too.

    Another package registers a subclass at the entry point ``legonet.models``, by its ``call``.
    A model whose number of outputs can be chosen calls that field ``classes``.

    Attributes:
        goal: The name of the goal that the architecture is made for.
        version: Raised when code outside of its package gives other weights. The files of the
            package itself are part of the content key.
        has_weights: Whether what it builds has its weights already, so that a spec names none.
    """

    goal: ClassVar[str]
    version: ClassVar[int | None] = None
    has_weights: ClassVar[bool] = False

    @property
    def outputs(self) -> int | None:
        """How many outputs it has; None if its fields do not say so."""
        found: int | None = getattr(self, "classes", None)
        return found

    @property
    def labels(self) -> tuple[str, ...] | None:
        """What its outputs mean, one name for each; None if its fields do not say so."""
        return None

    @property
    def files(self) -> tuple[Path, ...]:
        """Files besides those of its package that determine the network; their contents count."""
        return ()

    def ready_state(self, place: Path) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Return the tensors of weights by the network's names, if it needs a reader of its own.

        Args:
            place: The file or folder that ``weights`` names.

        Returns:
            None if the file's own names are those of the network.
        """
        return None

    def own_input(self) -> Input | None:
        """Return what its ready weights expect of their pictures; None if that is not known.

        It is only asked of a network that has ``weights``.
        """
        return None

    @abstractmethod
    def build(self) -> object:
        """Return the network, a `torch.nn.Module`, with a random start.

        The start is drawn from torch's own generator, which is seeded by then, and on torch's
        default device, which may be ``meta``. The network must have no state besides its parameters
        and buffers, and must be the same one for the same fields.
        """


class CodeModel(ModelForm):
    """A model that comes from a file whose code runs, which needs a user's trust.

    A graph says which files its user trusts; a model on its own trusts none.
    """

    goal = "classification"
    file: Path
    _trusted: bool = PrivateAttr(default=False)

    @property
    def code_files(self) -> tuple[Path, ...]:
        """The files whose contents run."""
        return (self.file,)

    def trusting(self, files: Container[Path]) -> Self:
        """Return the model as far as it is trusted.

        Args:
            files: The resolved paths of the files that are trusted.

        Raises:
            DiagnosticError: Its file is trusted, and cannot be read.
        """
        model = self.model_copy()
        model._trusted = self.file.resolve() in files  # noqa: SLF001 - of its own copy
        return model

    def check_trust(self) -> None:
        """Raise a `DiagnosticError` unless its file is trusted."""
        if self._trusted:
            return
        shown = shown_path(self.file)
        raise DiagnosticError.of(
            "LEGO514",
            f"`{shown}` can run any code, and you have not said that you trust it",
            label="not trusted",
            help=[
                f"if you do: `--trust {shown}`, or `trust=[..]` in Python",
                (
                    "or list it in the `pyproject.toml` of the spec's project, below "
                    f'`[tool.legonet]`: `trust = ["{self.file.name}"]`'
                ),
            ],
        )


def shown_path(file: Path) -> str:
    """Return how messages show a file: from the current folder, if it is in there."""
    folder = Path.cwd()
    return str(file.relative_to(folder) if file.is_relative_to(folder) else file)


MODELS: Registry[ModelForm] = Registry(
    ModelForm,
    "legonet.models",
    {
        "legonet.small_vgg": "legonet.modules.small:SmallVgg",
        "legonet.small_fcn": "legonet.modules.small:SmallFcn",
        "legonet.vgg_fcn": "legonet.modules.fcn:VggFcn",
        "legonet.efficientnet_fcn": "legonet.modules.fcn:EfficientNetFcn",
        "python.model": "legonet.modules.python_model:PythonModel",
        "torch.program": "legonet.modules.torch_program:TorchProgram",
        "transformers.hub": "legonet.modules.transformers_model:TransformersHubModel",
        "transformers.model": "legonet.modules.transformers_model:TransformersModel",
    },
)
"""The models; other packages add theirs at the entry point ``legonet.models``."""

LIBRARIES = ("torchvision", "timm")
"""The libraries whose models are models too, under the names that they list."""

_SEGMENTERS = ("fcn_", "deeplabv3", "lraspp")
"""What the names of torchvision's segmenters begin with."""

_DETECTORS = ("fcos_", "retinanet_", "ssd300_", "ssdlite320_")
"""What the names of torchvision's one-stage detectors begin with."""


class LibraryModel(Answering):
    """A torchvision or timm model, under the name that the library lists.

    Args:
        library: ``torchvision`` or ``timm``.
        name: As in ``torchvision.models.list_models()``.
        arguments: Keyword arguments for the model's own constructor.
    """

    library: str
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)

    @property
    def call(self) -> str:
        """The form's dotted name in a spec."""
        return f"{self.library}.{self.name}"

    @property
    def goal(self) -> str:
        """The name of the goal that the architecture is made for, as far as its name says."""
        if self.name.startswith(_DETECTORS):
            return "detection"
        return "segmentation" if self.name.startswith(_SEGMENTERS) else "classification"

    @property
    def outputs(self) -> int | None:
        """How many outputs it has; None if its arguments do not say so."""
        found = self.arguments.get("num_classes")
        if not isinstance(found, int):
            return None
        # torchvision counts a detector's background, which is none of its labels here.
        return found - 1 if self.goal == "detection" else found

    @property
    def has_weights(self) -> bool:
        """Whether it has its weights already: never, for a model of a library."""
        return False

    @property
    def labels(self) -> None:
        """Nothing: what its outputs mean depends on its weights."""


Model = ModelForm | LibraryModel
