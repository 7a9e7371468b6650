"""The statements of a spec, bound and checked, as frozen values."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from legonet.spec.base import Form, Frozen, Goal
from legonet.spec.markers import CategoryLabel, DataName, Forms, NetworkName
from legonet.spec.methods import METHODS, Method, Transplant
from legonet.spec.models import MODELS, WEIGHTS, Model, Weights, WeightsFile
from legonet.spec.sources import SOURCES, Source

Kind = Literal["data", "network", "category", "task", "path"]
"""The kinds of named statements; each has its own names."""


def noun_of(kind: str) -> str:
    """Return what a person calls a statement of a kind."""
    return "data block" if kind == "data" else kind


LARGEST_KERNEL = 31
"""Height and width of the largest kernel of an adapter."""


def _odd(kernel: int) -> int:
    if kernel % 2 == 0:
        raise PydanticCustomError("odd_number", "an odd number")
    return kernel


class Conv(Form):
    """One conv of an adapter, with a ReLU behind it.

    Args:
        kernel: Height and width of its kernel; odd, so that the padding keeps the map's size.
    """

    call: ClassVar[str] = "conv"
    kernel: Annotated[int, Field(ge=1, le=LARGEST_KERNEL), AfterValidator(_odd)]


def _kernel(layer: object) -> object:
    return layer.kernel if isinstance(layer, Conv) else layer


Kernel = Annotated[int, Forms("layer", (Conv,)), BeforeValidator(_kernel)]
"""The kernel size of one conv of an adapter, written ``conv(1)``."""


class Data(Frozen):
    """Pictures with labels or masks.

    Args:
        source: Where they are.
        size: Height and width in pixels to which they are brought; unless said 16 for digits, 32
            for CIFAR-10 and 64 for the others.
    """

    source: Annotated[Source, Forms("source", SOURCES, entry_points="legonet.sources")]
    size: int | None = Field(default=None, ge=4, le=4096)


class Recipe(Frozen):
    """How a specific network is trained.

    Args:
        data: The pictures to learn from.
        category: The one category that it tells from all else, with a single output; unless said
            it tells all of them apart, with an output each.
        goal: A label per picture, or per pixel.
        epochs: Passes over the training pictures.
        seed: For the start, the order and the augmentation.
        learning_rate: AdamW's, at the top of its schedule.
        batch_size: Pictures a step.
        background: Without a ``category``: background is one label more.
        frozen: Everything up to and with this module stays as it came from ``init`` or ``weights``.
    """

    data: DataName
    category: CategoryLabel | None = None
    goal: Goal = Field(default=Goal.CLASSIFICATION, strict=False)
    epochs: int = Field(default=5, ge=1)
    seed: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=1e-3, gt=0)
    batch_size: int = Field(default=64, ge=1)
    background: bool = False
    frozen: str | None = None


class Network(Frozen):
    """A specific network: its model, and where its weights come from.

    Args:
        model: The architecture.
        init: A network to start from; every parameter is copied whose name and shape fit.
        weights: Ready weights.
        train: A recipe to train it by, behind ``init`` or ``weights`` if it has one.
    """

    model: Annotated[
        Model,
        Forms("model", MODELS, libraries=("torchvision", "timm"), entry_points="legonet.models"),
    ]
    init: NetworkName | None = None
    weights: Annotated[Weights, Forms("form of weights", WEIGHTS, text=WeightsFile)] | None = None
    train: Recipe | None = None


class Category(Frozen):
    """A category module f: a network up to and with a module.

    Args:
        network: The network that it is cut out of.
        until: Torch's own path of the last module that belongs to it, such as ``features.4``.
    """

    network: NetworkName = Field(alias="from")
    until: str


class Task(Frozen):
    """A task module g: everything of a network behind a module.

    Args:
        network: The network that it is cut out of.
        after: Torch's own path of the last module that does not belong to it, such as
            ``features.4``.
    """

    network: NetworkName = Field(alias="from")
    after: str


class Learning(Frozen):
    """How an adapter is learned: the body of an ``adapter`` statement.

    Args:
        layers: Kernel sizes of its convs, bottom first; a ReLU follows each.
        teacher: The network that it learns from; the category's own unless said.
        method: How it is learned.
        data: The category's pictures; those of the teacher's recipe unless said.
        samples: How many labelled pictures it may use, half category, half background.
        unlabelled: How many more pictures it may use without their labels.
        seed: For the choice of pictures, the start and the order.
    """

    layers: tuple[Kernel, ...] = Field(default=(1,), min_length=1)
    teacher: NetworkName | None = None
    method: Annotated[Method, Forms("method", METHODS)] = Transplant()
    data: DataName | None = None
    samples: int = Field(default=0, ge=0)
    unlabelled: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)


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


class Path(Frozen):
    """An application that people start by name."""

    category: str
    task: str
