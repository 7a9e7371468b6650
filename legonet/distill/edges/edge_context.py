"""An edge prepared for learning: pictures, features and scales, computed when first needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache, partial, reduce
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from legonet.data.synthetic import textured_leaves
from legonet.data.tensors import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.distill.edges.stitching import Features
from legonet.distill.pseudo_gradients.student_pool import StudentPool
from legonet.distill.pseudo_gradients.surrogate import Surrogate
from legonet.distill.randomness import generator
from legonet.modules.folded import folded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import nn

    from legonet.distill.edges.edge import Edge
    from legonet.language.transforms import Transform
    from legonet.modules.adapter import Activation

Made = TypeVar("Made")

SYNTHETIC_PICTURES = 192
"""Number of synthetic pictures, used where real ones are missing and to detect an ancestor."""

MOST_PICTURES = 256
"""Most pictures from which means and covariances of features are computed."""

LEAST_UNSEEN = 64
"""Fewest pictures by which adapters are judged if there are others that were used already."""

BATCH = 32
"""Pictures that run through a network at once; fewer where their features are large."""


@dataclass(frozen=True)
class Named:
    """Pictures and their name in a certificate.

    Args:
        name: Their name.
        images: As f and the teacher see them, ``(N, H, W, 3)``, uint8.
        own_images: The same pictures as f_S sees them; they differ where the data of category and
            donor have different transforms.
        counts: How many of them belong together; default: all. They run through networks in the
            same batches as they do alone, so that their features are known afterwards.
    """

    name: str
    images: NDArray[np.uint8]
    own_images: NDArray[np.uint8]
    counts: tuple[int, ...] | None = None

    @property
    def counted(self) -> str:
        """How many of what kind."""
        return f"{len(self.images)} {self.name}"

    def part(self, places: slice) -> Named:
        """Return some of them."""
        images = self.images[places]
        same = self.own_images is self.images
        return Named(self.name, images, images if same else self.own_images[places])


@dataclass
class EdgeContext:
    """What every method needs to know about an edge.

    Args:
        edge: The edge.
        seed: For all random choices.
        device: Where networks and adapter are.
        report: Called with a few words before each piece of work.
        pool: Student sides of pseudo-gradients, shared with other edges; default: keeps none.
        asked: The activation that the spec asks for; None lets the task module's features decide.
    """

    edge: Edge
    seed: int
    device: torch.device
    report: Callable[[str], None]
    pool: StudentPool = field(default_factory=partial(StudentPool, 0))
    asked: Activation | None = None
    _made: dict[object, Any] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def activation(self) -> Activation:
        """What the adapter ends with: what the spec asks for, otherwise what g_S is used to.

        ``relu`` where the features f_S(I) have no negative value on the first pictures that g_S
        knows, otherwise ``identity``.
        """
        if self.asked is not None:
            return self.asked
        own = self._first(self.familiar.own_images, self.edge.own_category_module)
        return "identity" if bool((own < 0).any()) else "relu"

    def batches(
        self,
        images: NDArray[np.uint8],
        *modules: nn.Module,
        counts: tuple[int, ...] | None = None,
    ) -> Iterator[list[Tensor]]:
        """Yield each module's output for the same pictures, batch by batch, without history.

        Args:
            images: The pictures.
            modules: The modules.
            counts: As for `Named`.
        """
        for part in self._parts(counts or (len(images),)):
            self.report(f"pictures {part.start}/{len(images)}")
            pictures = to_tensor(images[part]).to(self.device)
            with torch.no_grad():
                found = [module(pictures) for module in modules]
            # Outside the block, which would otherwise stay in force where the values are used.
            yield found

    def paired(self, pictures: Named) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield f(I) and f_S(I) of the same pictures, each with the transform of its own data."""
        category_module, own_module = self.modules
        if pictures.own_images is pictures.images:
            both = self.batches(
                pictures.images, category_module, own_module, counts=pictures.counts
            )
            for x, y in both:
                yield x, y
            return
        category = self.batches(pictures.images, category_module, counts=pictures.counts)
        own = self.batches(pictures.own_images, own_module, counts=pictures.counts)
        for (x,), (y,) in zip(category, own, strict=True):
            yield x, y

    def named(self, name: str, images: NDArray[np.uint8]) -> Named:
        """Return pictures as both sides see them.

        Args:
            name: Their name.
            images: The pictures before any transform.
        """
        seen = _transformed(images, self.edge.transform)
        if self.edge.transform == self.edge.own_transform:
            return Named(name, seen, seen)
        return Named(name, seen, _transformed(images, self.edge.own_transform))

    def outputs(self, images: NDArray[np.uint8], module: nn.Module) -> Tensor:
        """Return a module's outputs for pictures, all in one tensor."""
        return torch.cat([output for (output,) in self.batches(images, module)])

    @cached_property
    def answers(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shapes of the outputs of g_S and of the teacher, without the batch axis."""
        features = torch.zeros(1, *self.shapes[1], device=self.device)
        pictures = torch.zeros(1, 3, self.edge.size, self.edge.size, device=self.device)
        with torch.no_grad():
            own, other = self.edge.task_module(features), self.edge.teacher(pictures)
        return tuple(own.shape[1:]), tuple(other.shape[1:])

    def once(self, make: Callable[[EdgeContext], Made]) -> Made:
        """Return a function's result for the edge, computed when first needed."""
        if make not in self._made:
            self._made[make] = make(self)
        found: Made = self._made[make]
        return found

    def _parts(self, counts: tuple[int, ...]) -> Iterator[slice]:
        """Yield the places of one batch after another; none has pictures of two counts."""
        start = 0
        for count in counts:
            for first in range(start, start + count, self._batch):
                yield slice(first, min(first + self._batch, start + count))
            start += count

    def _first(self, images: NDArray[np.uint8], module: nn.Module) -> Tensor:
        """Return a module's outputs for the first pictures."""
        return self.outputs(images[: self._batch], module)

    @property
    def modules(self) -> tuple[nn.Module, nn.Module]:
        """The two bottoms: f and f_S."""
        return self.edge.category_module, self.edge.own_category_module

    @cached_property
    def task_module(self) -> nn.Module:
        """g_S as an adapter is trained and judged through it: the same, but faster."""
        return folded(self.edge.task_module)

    @cached_property
    def student(self) -> Surrogate:
        """The surrogate of g_S; its layer norms have the statistics of pictures that it knows."""
        return Surrogate.of(self.edge.task_module, self.shapes[1]).measured(
            lambda: self._first(self.familiar.own_images, self.edge.own_category_module)
        )

    @cached_property
    def teacher(self) -> Surrogate:
        """The surrogate of g_T; the same with pictures of the target, if there are any."""
        return Surrogate.of(self.edge.teacher_top, self.shapes[0]).measured(
            lambda: self._first((self.target or self.familiar).images, self.edge.category_module)
        )

    @cached_property
    def shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Shapes ``(C, H, W)`` of the features of f and of f_S, as the adapter sees them."""
        pictures = torch.zeros(1, 3, self.edge.size, self.edge.size, device=self.device)
        with torch.no_grad():
            category, own = (tuple(module(pictures).shape[1:]) for module in self.modules)
        return category, own

    @cached_property
    def synthetic(self) -> Named:
        """Synthetic pictures."""
        self.report("synthetic")
        seed = int(torch.randint(2**31, (), generator=generator(self.seed, "synthetic")))
        return self.named("synthetic", _textured_leaves(SYNTHETIC_PICTURES, self.edge.size, seed))

    @cached_property
    def target(self) -> Named | None:
        """Pictures of the target category and background, if there are any."""
        given = [part.images for part in (self.edge.unlabelled, self.edge.labelled) if len(part)]
        if not given:
            return None
        images = np.concatenate(given)[:MOST_PICTURES]
        return Named("target", images, images)

    @cached_property
    def familiar(self) -> Named:
        """Pictures that g_S knows, or synthetic ones."""
        images = self.edge.own.images
        if not len(images):
            return self.synthetic
        drawn = torch.randperm(len(images), generator=generator(self.seed, "own"))
        return self.named("own", images[drawn[:MOST_PICTURES].numpy()])

    @cached_property
    def unseen(self) -> Named:
        """Pictures that g_S knows and from which no adapter was made, to judge adapters by.

        The familiar pictures themselves where the donor has hardly any others.
        """
        images = self.edge.own.images
        if not len(images):
            self.report("synthetic")
            seed = int(torch.randint(2**31, (), generator=generator(self.seed, "unseen")))
            leaves = _textured_leaves(SYNTHETIC_PICTURES, self.edge.size, seed)
            return self.named("other synthetic", leaves)
        drawn = torch.randperm(len(images), generator=generator(self.seed, "own"))
        others = drawn[MOST_PICTURES : 2 * MOST_PICTURES]
        if len(others) < LEAST_UNSEEN:
            return self.familiar
        return self.named("other own", images[others.numpy()])

    @cached_property
    def best(self) -> Named:
        """All real pictures together, for methods that only use features; otherwise synthetic ones.

        Where the data of category and donor have different transforms, f_S has never seen what
        pictures of the category look like. Then only the pictures that g_S knows are used, each
        side with its own transform.
        """
        if self.target is None or self.edge.transform != self.edge.own_transform:
            return self.familiar
        if self.familiar is self.synthetic:
            return self.target
        parts = self.target.images, self.familiar.images
        images = np.concatenate(parts)
        return Named("target and own", images, images, tuple(map(len, parts)))

    def features(self, pictures: Named, kernel: int = 1) -> Features:
        """Return the joint moments of f(I) and f_S(I), for a conv of a kernel size."""
        return Features.of(self.paired(pictures), kernel)

    @cached_property
    def best_features(self) -> Callable[[int], Features]:
        """The joint moments on the best pictures by kernel size, each computed only once."""
        return cache(lambda kernel: self.features(self.best, kernel))

    @cached_property
    def ancestor_r2(self) -> float:
        """R^2 of stitching on synthetic pictures: fitted on one half, measured on the other."""
        half = SYNTHETIC_PICTURES // 2
        fitted = self.features(self.synthetic.part(slice(None, half)))
        held_out = self.features(self.synthetic.part(slice(half, None)))
        return held_out.explained(fitted.least_squares())

    @cached_property
    def beta(self) -> float:
        """``E ||f_S(I)|| / E ||f(I)||``, Frobenius norms, the factor of the re-scaling layer.

        f_S sees its own pictures and f the target's; where either are missing, both see the same.

        Raises:
            DiagnosticError: A feature map is zero or not finite everywhere (``LEGO606``).
        """
        own_pictures, pictures = self.familiar, self.target or self.familiar
        if own_pictures is self.synthetic:
            pictures = self.synthetic
        category_module, own_module = self.modules
        own = self.mean_norm(own_pictures.own_images, own_module)
        return own / self.mean_norm(pictures.images, category_module)

    @property
    def beta_pictures(self) -> str:
        """What beta was measured on, for the certificate."""
        if self.familiar is self.synthetic or self.target is None:
            return f"{len(self.familiar.images)} {self.familiar.name}"
        return f"{len(self.familiar.images)} own and {len(self.target.images)} target"

    def mean_norm(self, images: NDArray[np.uint8], *modules: nn.Module) -> float:
        """Return the mean Frobenius norm of features after modules that run one after another."""
        first, *others = modules
        total = 0.0
        for (features,) in self.batches(images, first):
            with torch.no_grad():
                after = reduce(lambda values, module: module(values), others, features)
            total += float(after.double().flatten(1).norm(dim=1).sum())
        norm = total / len(images)
        if not 0 < norm < float("inf"):
            raise DiagnosticError.of(
                "LEGO606",
                f"the features have a mean norm of {norm:g}, so they cannot be re-scaled",
                label="a dead or broken module",
                help=["check the network's weights: its own predictions are useless too"],
            )
        return norm

    @cached_property
    def _batch(self) -> int:
        # Features of VGG-16 for 32 pictures of 224 pixels would fill gigabytes.
        return max(1, min(BATCH, 2**25 // (64 * self.edge.size**2)))


@lru_cache(maxsize=4)
def _textured_leaves(count: int, size: int, seed: int) -> NDArray[np.uint8]:
    """Return synthetic pictures, made once for all edges with one size and seed."""
    pictures = textured_leaves(count, size, seed)
    pictures.flags.writeable = False
    return pictures


def _transformed(images: NDArray[np.uint8], form: Transform | None) -> NDArray[np.uint8]:
    return images if form is None else form.apply(images)
