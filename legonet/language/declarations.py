"""The statements of a spec, bound and checked, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SerializeAsAny
from pydantic_core import PydanticCustomError

from legonet.goals import GOALS
from legonet.language.base import Form, Frozen
from legonet.language.bounds import LARGEST_BATCH, LARGEST_SEED, MOST_STEPS
from legonet.language.inputs import Input
from legonet.language.markers import (
    CategoryLabel,
    Choice,
    DataName,
    Forms,
    NameOrNumber,
    NetworkName,
)
from legonet.language.methods import METHODS, MethodForm
from legonet.language.models import LIBRARIES, MODELS, LibraryModel, ModelForm
from legonet.language.sources import SOURCES, SourceForm
from legonet.language.transforms import TRANSFORMS, Transform
from legonet.language.weights import WEIGHTS, Loading, Weights, WeightsFile
from legonet.registry import Registry

Kind = Literal["data", "network", "category", "task", "path"]
"""The kinds of named statements; each has its own names."""


LARGEST_KERNEL = 31
"""Height and width of the largest kernel that an adapter may have."""


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise PydanticCustomError("odd_number", "an odd number")
    return kernel


class Conv(Form):
    """One conv of an adapter.

    Args:
        kernel: Height and width of the kernel; odd, so that padding preserves the map's size.
    """

    call: ClassVar[str] = "conv"
    kernel: Annotated[int, Field(ge=1, le=LARGEST_KERNEL), AfterValidator(_odd)]


class Linear(Form):
    """A linear layer of an adapter on each token or vector: the same as ``conv(1)``."""

    call: ClassVar[str] = "linear"

    @property
    def kernel(self) -> int:
        """1."""
        return 1


def _kernel(layer: object) -> object:
    return layer.kernel if isinstance(layer, Conv | Linear) else layer


LAYERS: Registry[Form] = Registry(
    Form,
    "",
    {
        "conv": "legonet.language.declarations:Conv",
        "linear": "legonet.language.declarations:Linear",
    },
)
"""The layers of an adapter."""

LayoutName = Literal["maps", "channels_last", "tokens", "vectors"]
"""What the axes of features mean: (C, H, W), (H, W, C), (L, C) or (C,)."""

Resize = Literal["bilinear", "pool", "none"]
"""What an adapter does where heights and widths differ."""

Kernel = Annotated[int, Forms("layer", LAYERS), BeforeValidator(_kernel)]
"""The kernel size of one conv of an adapter, written ``conv(1)``."""


def _different(labels: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(labels)) < len(labels):
        raise PydanticCustomError("different", "labels that differ from each other")
    return labels


Labels = Annotated[tuple[CategoryLabel, ...], Field(min_length=1), AfterValidator(_different)]
"""Names of labels, each once."""


class Data(Frozen):
    """Pictures with labels or masks.

    Args:
        source: Where the pictures are.
        size: Height and width, in pixels, to which they are resized. Default: 16 for ``digits``, 32
            for CIFAR-10, and 64 for the others.
        transform: What is then done to each picture, in training and in every measurement;
            ``legonet predict`` uses the pictures that it is given as they are.
    """

    source: Annotated[SerializeAsAny[SourceForm], Forms("source", SOURCES)]
    size: int | None = Field(default=None, ge=4, le=4096)
    transform: Annotated[SerializeAsAny[Transform], Forms("transform", TRANSFORMS)] | None = None


class Recipe(Frozen):
    """How a specific network is trained.

    Args:
        data: The pictures to learn from.
        category: The one category that the network tells from everything else, with a single
            output. By default it tells all categories apart, with one output for each.
        goal: What it answers about a picture, by default one label.
        epochs: Passes over the training pictures.
        seed: Seed for the initialisation, the order and the augmentation.
        learning_rate: AdamW's peak learning rate.
        batch_size: Pictures per step.
        background: Without a ``category``, makes background an additional label.
        frozen: Keeps everything up to and including this module as it came from ``init`` or
            ``weights``.
    """

    data: DataName
    category: CategoryLabel | None = None
    goal: Annotated[str, Choice("goal", GOALS)] = "classification"
    epochs: int = Field(default=5, ge=1, le=MOST_STEPS)
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    learning_rate: float = Field(default=1e-3, gt=0)
    batch_size: int = Field(default=64, ge=1, le=LARGEST_BATCH)
    background: bool = False
    frozen: str | None = None


class Network(Frozen):
    """A specific network: its model, and where its weights come from.

    Args:
        model: The architecture.
        init: A network to start from; copies every parameter whose name and shape match.
        weights: Pretrained weights.
        loading: How they are loaded, where their names or some of their shapes differ.
        input: What it expects of its pictures, where its library or its ancestor does not say so.
        train: A recipe for training it, starting from ``init`` or ``weights`` if given.
        output: Which of its outputs is the answer, where it returns several: the key of a dict, the
            name of an attribute, or the position in a tuple, from 0. Default: the only one, or the
            one that its library calls the main one.
        labels: What its outputs mean, one name for each, for a network without a recipe; background
            is called ``background``. Default: what the library that publishes the weights says.
        goal: What it answers, for a network without a recipe. Default: what its model is made for.
    """

    model: Annotated[
        SerializeAsAny[ModelForm] | LibraryModel,
        Forms("model", MODELS, libraries=LIBRARIES),
    ]
    init: NetworkName | None = None
    weights: Annotated[Weights, Forms("form of weights", WEIGHTS, text=WeightsFile)] | None = None
    loading: Loading | None = None
    input: Input | None = None
    train: Recipe | None = None
    output: Annotated[str | int, NameOrNumber()] | None = None
    labels: Labels | None = None
    goal: Annotated[str, Choice("goal", GOALS)] | None = None


class Category(Frozen):
    """A category module f: a network up to and including a module.

    Args:
        network: The network that it is cut out of.
        until: Torch's own path of the last module that belongs to it, such as ``features.4``.
        layout: What the axes of its features mean, after the axis of pictures: ``maps`` (C, H, W),
            ``channels_last`` (H, W, C), ``tokens`` (L, C) or ``vectors`` (C). Default: found by
            running the network.
        labels: The labels of its pictures in the data, which may be several, such as
            ``[cat, dog]``. Default: for a task with one output, the category that its teacher was
            trained on, or else its own name; for a task with several labels, all of them.
    """

    network: NetworkName = Field(alias="from")
    until: str
    layout: LayoutName | None = None
    labels: Labels | None = None


class Task(Frozen):
    """A task module g: everything in a network after a module.

    Args:
        network: The network that it is cut out of.
        after: Torch's own path of the last module that does not belong to it, such as
            ``features.4``.
        layout: As for a category.
    """

    network: NetworkName = Field(alias="from")
    after: str
    layout: LayoutName | None = None


def _default_method() -> MethodForm:
    return METHODS.get("transplant")()


class Learning(Frozen):
    """How an adapter is learned: the body of an ``adapter`` statement.

    Args:
        layers: Kernel sizes of its convs, bottom first; on tokens and vectors, ``linear()``.
        activation: What follows the convs: ``relu``, a ReLU after each as in the paper, or
            ``identity``, which keeps the sign of features: nothing follows the first conv, and
            each further one is a residual branch, ``y + conv(relu(y))``. Default: ``identity``
            where the task's own features have negative values, otherwise ``relu``.
        resize: What is done where heights and widths of the two sides differ: ``pool`` averages,
            ``bilinear`` interpolates, and ``none`` refuses. Default: ``pool`` down by whole
            factors, otherwise ``bilinear``.
        teacher: The network that it learns from. Default: the category's own network.
        method: How it is learned.
        data: The category's pictures. Default: those of the teacher's recipe.
        samples: Number of labelled pictures that it may use, half category, half background, or as
            many of each label.
        unlabelled: Number of additional pictures that it may use, without their labels.
        seed: Seed for the choice of pictures, the initialisation and the order.
    """

    layers: tuple[Kernel, ...] = Field(default=(1,), min_length=1)
    activation: Literal["relu", "identity"] | None = None
    resize: Resize | None = None
    teacher: NetworkName | None = None
    method: Annotated[SerializeAsAny[MethodForm], Forms("method", METHODS)] = Field(
        default_factory=_default_method
    )
    data: DataName | None = None
    samples: int = Field(default=0, ge=0, le=MOST_STEPS)
    unlabelled: int = Field(default=0, ge=0, le=MOST_STEPS)
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)


class Adapter(Frozen):
    """An edge from a category module to a task module.

    Args:
        category: The category's name.
        task: The task's name.
        learning: How it is learned; None for a direct edge.
    """

    category: str
    task: str
    learning: Learning | None = None


def _listed(names: object) -> object:
    return (names,) if isinstance(names, str) else names


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Names, of which a single one may be given by itself."""


class Path(Frozen):
    """An application that is started by name.

    With one category, each task answers for it. With several, each task gives one answer, which is
    one of the categories or the background: the path is joint.

    Args:
        categories: The names of the categories, at least one.
        tasks: The names of the tasks, at least one.
    """

    categories: Listed = Field(alias="category", min_length=1)
    tasks: Listed = Field(alias="task", min_length=1)

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """The category and the task of each edge, task by task."""
        return tuple((category, task) for task in self.tasks for category in self.categories)

    @property
    def is_joint(self) -> bool:
        """Whether each task gives one answer about several categories."""
        return len(self.categories) > 1

    @property
    def is_plain(self) -> bool:
        """Whether it leads along a single edge."""
        return len(self.edges) == 1


@dataclass(frozen=True)
class StatementKind:
    """A kind of statement.

    Args:
        part: The attribute of a `Spec` that holds all of them.
        fields: The model of the fields in its block; None if it has no block.
        noun: What users call one.
    """

    part: str
    fields: type[BaseModel] | None
    noun: str


STATEMENTS: Mapping[str, StatementKind] = {
    "data": StatementKind("data", Data, "data block"),
    "network": StatementKind("networks", Network, "network"),
    "category": StatementKind("categories", Category, "category"),
    "task": StatementKind("tasks", Task, "task"),
    "adapter": StatementKind("adapters", Learning, "adapter"),
    "path": StatementKind("paths", None, "path"),
}
"""The kinds of statements by their keywords, in the order that a spec has them."""


def noun_of(kind: str) -> str:
    """Return what users call a statement of a kind, or an import or a constant."""
    return STATEMENTS[kind].noun if kind in STATEMENTS else kind
