"""Answers along a route as a module, and along many routes at once, which share what they can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, fx, nn

from legonet.diagnostics import DiagnosticError
from legonet.goals.background import BACKGROUND
from legonet.modules.joint import joint_logits
from legonet.network.module_cache import RouteModules
from legonet.network.routes import EdgeKey
from legonet.network.validation import check_pictures

if TYPE_CHECKING:
    from typing import Self

    from torch import Tensor

    from legonet.graph import ModuleGraph
    from legonet.network.routes import EdgeKey


class Shared(nn.Module):
    """Frozen modules that others share; what would change them first gives this one its own.

    It stays in evaluation mode, even inside a network that is trained. Nothing is loaded twice.
    Anything that would change its modules (``to``, ``load_state_dict``, ``requires_grad_``) first
    gives it modules of its own. Copies and pickles have modules of their own, too.
    """

    def _evaluate(self) -> None:
        """Go to evaluation mode, once its modules are there."""
        nn.Module.train(self, False)

    def train(self, mode: bool = True) -> Self:  # noqa: ARG002 - train's signature
        """Stay in evaluation mode."""
        return self

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Change the parameters of this route alone."""
        self._separate()
        super().requires_grad_(requires_grad)
        return self

    def load_state_dict(self, state_dict: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Load tensors into this route alone."""
        self._separate(clone=True)
        return super().load_state_dict(state_dict, *args, **kwargs)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self._separate()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    @property
    def _dtype(self) -> torch.dtype:
        floats = (item.dtype for item in self.parameters() if item.is_floating_point())
        return next(floats, torch.float32)

    def _separate(self, *, clone: bool = False) -> None:
        """Give this route modules of its own, sharing the tensors' memory unless cloned."""
        for place, module in list(self.named_children()):
            # What is in the memo counts as already copied.
            memo: dict[int, Any] = {}
            for tensor in () if clone else chain(module.parameters(), module.buffers()):
                alike = tensor.detach()
                if isinstance(tensor, nn.Parameter):
                    alike = nn.Parameter(alike, requires_grad=tensor.requires_grad)
                memo[id(tensor)] = alike
            setattr(self, place, deepcopy(module, memo))


class Route(Shared, nn.Sequential):
    """A category module, an adapter if one was learned, and a task module; permanently frozen.

    It shares its modules with all other routes through them, as `Shared` says.

    Args:
        name: The name of the route.
        modules: The modules in the order in which pictures go through them.
    """

    def __init__(self, name: str, *modules: nn.Module) -> None:
        super().__init__(*modules)
        self.name = name
        self._evaluate()

    def forward(self, pictures: Tensor) -> Tensor:
        """Return logits.

        Args:
            pictures: ``(N, 3, H, W)``, as `legonet.data.to_tensor` makes them; float32, or the
                dtype that the route was converted to.

        Returns:
            ``(N, K)`` for classification and ``(N, K, H, W)`` for segmentation.

        Raises:
            DiagnosticError: The pictures have another shape or dtype (``LEGO746``).
        """
        if not _is_recorded(pictures):
            check_pictures(pictures, self._dtype)
        for module in self:
            pictures = module(pictures)
        return pictures


class JointRoute(Shared):
    """The way of a path with several edges, as one frozen module; what they share runs once.

    Category modules run once for each batch, and each task module once on the features of all of
    them. With several categories, the answers of a task become one: logits of the background and
    of each category, see `legonet.modules.joint`.

    Args:
        name: The name of the path.
        ways: The modules along each edge of the path, by category and task, task by task.

    Attributes:
        labels: What the outputs mean with several categories: the background, then each category.
        tasks: The names of the tasks.
    """

    def __init__(self, name: str, ways: Mapping[EdgeKey, RouteModules]) -> None:
        super().__init__()
        self.name = name
        self._edges = tuple(ways)
        self.categories = tuple(dict.fromkeys(category for category, _ in ways))
        self.tasks = tuple(dict.fromkeys(task for _, task in ways))
        self.labels = (BACKGROUND, *self.categories)
        kinds = ("category_module", "adapter", "task_module", "calibration")
        self._places: dict[str, tuple[int | None, ...]] = {}
        for kind in kinds:
            found = [getattr(way, kind) for way in ways.values()]
            unique = list(dict.fromkeys(item for item in found if item is not None))
            self.add_module(f"{kind}s", nn.ModuleList(unique))
            self._places[kind] = tuple(None if it is None else unique.index(it) for it in found)
        self._evaluate()

    def forward(self, pictures: Tensor) -> Tensor | dict[str, Tensor]:
        """Return logits; those of each task, by its name, where there are several.

        Args:
            pictures: As for `Route`.

        Returns:
            ``(N, 1 + K)`` for classification and ``(N, 1 + K, H, W)`` for segmentation, the
            background first; for a single category what `Route` returns.

        Raises:
            DiagnosticError: The pictures have another shape or dtype (``LEGO746``).
        """
        if not _is_recorded(pictures):
            check_pictures(pictures, self._dtype)
        found = answers(self.ways(), pictures)
        joined = {task: self._joined(found, task) for task in self.tasks}
        return joined if len(joined) > 1 else joined[self.tasks[0]]

    def _joined(self, found: Mapping[EdgeKey, Tensor], task: str) -> Tensor:
        own = [found[category, task] for category in self.categories]
        return joint_logits(own) if len(own) > 1 else own[0]

    def ways(self) -> dict[EdgeKey, RouteModules]:
        """Return the modules along each edge, by category and task."""

        def at(kind: str, number: int) -> Any:
            place = self._places[kind][number]
            return None if place is None else self.get_submodule(f"{kind}s.{place}")

        return {
            ends: RouteModules(**{kind: at(kind, number) for kind in self._places})
            for number, ends in enumerate(self._edges)
        }


def _is_recorded(pictures: object) -> bool:
    """Whether the computation is being recorded, as by torch.compile, so that checks are no use."""
    if torch.compiler.is_compiling() or isinstance(pictures, fx.Proxy):
        return True
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


class Answering(Protocol):
    """A network that answers along its routes; see `legonet.TransplantNetwork`."""

    @property
    def graph(self) -> ModuleGraph:
        """The graph it was built from."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    def answers(self, routes: Iterable[EdgeKey], pictures: Tensor) -> dict[EdgeKey, Tensor]:
        """Answer along some routes at once."""

    def route(self, category: str, task: str) -> Route:
        """Return the route through one edge as a module."""

    def path(self, name: str) -> Route | JointRoute:
        """Return a named application as a module."""

    def labels(self, category: str, task: str) -> tuple[str, ...]:
        """Return what the outputs of a route mean."""

    def size(self, category: str, task: str) -> int:
        """Return the width and height of a route's pictures in pixels."""


def answers(ways: Mapping[EdgeKey, RouteModules], pictures: Tensor) -> dict[EdgeKey, Tensor]:
    """Return the answers of some routes for the same pictures.

    A category module runs on the pictures once. A task module runs once, on the features of all
    categories that lead to it as one batch, so that the last bits of an answer may differ from
    those of its route alone.

    Args:
        ways: The modules of each route, all on the device of the pictures.
        pictures: ``(N, 3, H, W)``, float32.

    Returns:
        Logits, ``(N, K)`` or ``(N, K, H, W)``, for each route.
    """
    features = {
        category_module: category_module(pictures)
        for category_module in dict.fromkeys(way.category_module for way in ways.values())
    }
    leading: defaultdict[nn.Module, list[RouteModules]] = defaultdict(list)
    # Two names may refer to the same modules.
    for way in dict.fromkeys(ways.values()):
        leading[way.task_module].append(way)
    found: dict[RouteModules, Tensor] = {}
    for task_module, group in leading.items():
        arriving = {way: _adapted(way, features[way.category_module]) for way in group}
        for alike in _of_one_shape(arriving):
            joined = [arriving[way] for way in alike]
            batch = torch.cat(joined) if len(joined) > 1 else joined[0]
            parts = task_module(batch).unflatten(0, (len(alike), -1))
            calibrated = map(_calibrated, alike, parts.unbind(0))
            found.update(zip(alike, calibrated, strict=True))
    return {ends: found[way] for ends, way in ways.items()}


def _adapted(way: RouteModules, features: Tensor) -> Tensor:
    return features if way.adapter is None else way.adapter(features)


def _calibrated(way: RouteModules, answer: Tensor) -> Tensor:
    return answer if way.calibration is None else way.calibration(answer)


def _of_one_shape(arriving: Mapping[RouteModules, Tensor]) -> list[list[RouteModules]]:
    groups: list[list[RouteModules]] = []
    for way, features in arriving.items():
        # Compared instead of hashed: while an export is recorded, sizes may be symbols.
        shape = features.shape[1:]
        alike = (group for group in groups if arriving[group[0]].shape[1:] == shape)
        group = next(alike, None)
        if group is None:
            groups.append([way])
        else:
            group.append(way)
    return groups


@contextmanager
def told_in_words(names: str, pictures: Tensor, usual: Callable[[], int]) -> Iterator[None]:
    """Turn an error from torch into one that names the routes and the pictures.

    Args:
        names: The names of the routes.
        pictures: The pictures they answer for.
        usual: Finds the width and height in pixels of the pictures that they were learned on.

    Raises:
        DiagnosticError: Torch raised an error (``LEGO747``), or memory is short (``LEGO748``).
    """
    count, _, height, width = pictures.shape
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise _short_of_memory(names, count, height, width) from error
    except RuntimeError as error:
        # For main memory, only torch's message says so.
        if "allocate memory" in str(error):
            raise _short_of_memory(names, count, height, width) from error
        reason = str(error).partition("\n")[0].rstrip(".")
        raise _no_answer(names, height, width, reason, usual) from error


def check_size(names: str, answer: Tensor, pictures: Tensor, usual: Callable[[], int]) -> None:
    """Check that an answer per pixel has the size of its pictures.

    Args:
        names: The name of the route.
        answer: Its answer.
        pictures: The pictures it answered for.
        usual: Finds the width and height in pixels of the pictures that it was learned on.

    Raises:
        DiagnosticError: It has another size (``LEGO747``).
    """
    if answer.dim() != 4 or answer.shape[2:] == pictures.shape[2:]:
        return
    height, width = pictures.shape[2:]
    reason = f"the answer has {answer.shape[2]}x{answer.shape[3]} pixels"
    raise _no_answer(names, height, width, reason, usual)


def _no_answer(
    names: str, height: int, width: int, reason: str, usual: Callable[[], int]
) -> DiagnosticError:
    size = usual()
    return DiagnosticError.of(
        "LEGO747",
        f"`{names}` cannot answer for pictures of {height}x{width}: {reason}",
        help=[
            f"it was learned on {size}x{size}",
            "other sizes have to be large enough for its layers, and a multiple of its stride",
        ],
    )


def _short_of_memory(names: str, count: int, height: int, width: int) -> DiagnosticError:
    return DiagnosticError.of(
        "LEGO748",
        f"there is too little memory for `{names}` and {count} pictures of {height}x{width}",
        help=["give fewer pictures at once, or choose another device"],
    )
