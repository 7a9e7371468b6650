"""An edge made ready to be learned: pictures, features and scales, computed when first needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial, reduce
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from legonet.data.synthetic import dead_leaves
from legonet.data.tensors import to_tensor
from legonet.diagnostics import DiagnosticError
from legonet.distill.randomness import generator
from legonet.distill.stitching import Features
from legonet.distill.student_pool import StudentPool
from legonet.distill.surrogate import Surrogate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import nn

    from legonet.distill.edge import Edge

LEAVES = 96
"""Dead leaves pictures, where real ones are missing and for the search for an ancestor."""

MOST_PICTURES = 256
"""Pictures from which means and covariances of features are taken."""

BATCH = 32
"""Pictures that run through a network at once, fewer where their features are large."""


@dataclass(frozen=True)
class Named:
    """Pictures and what they are called in a certificate."""

    name: str
    images: NDArray[np.uint8]


@dataclass
class Joint:
    """What every method needs to know about an edge.

    Args:
        edge: The edge.
        seed: For every choice.
        device: Where networks and adapter are.
        report: Called with a few words before each piece of work.
        pool: Student sides of pseudo-gradients, shared with other edges; keeps none unless given.
    """

    edge: Edge
    seed: int
    device: torch.device
    report: Callable[[str], None]
    pool: StudentPool = field(default_factory=partial(StudentPool, 0))

    def batches(self, images: NDArray[np.uint8], *modules: nn.Module) -> Iterator[list[Tensor]]:
        """Yield what each module makes of the same pictures, batch by batch, without history."""
        for start in range(0, len(images), self._batch):
            self.report(f"pictures {start}/{len(images)}")
            pictures = to_tensor(images[start : start + self._batch]).to(self.device)
            with torch.no_grad():
                yield [module(pictures) for module in modules]

    def outputs(self, images: NDArray[np.uint8], module: nn.Module) -> Tensor:
        """Return what a module makes of pictures, all in one tensor."""
        return torch.cat([output for (output,) in self.batches(images, module)])

    @cached_property
    def answers(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Shapes of the outputs of g_S and of the teacher, without the batch axis."""
        features = torch.zeros(1, *self.shapes[1], device=self.device)
        pictures = torch.zeros(1, 3, self.edge.size, self.edge.size, device=self.device)
        with torch.no_grad():
            own, other = self.edge.task_module(features), self.edge.teacher(pictures)
        return tuple(own.shape[1:]), tuple(other.shape[1:])

    @property
    def modules(self) -> tuple[nn.Module, nn.Module]:
        """The two bottoms: f and f_S."""
        return self.edge.category_module, self.edge.own_category_module

    @cached_property
    def student(self) -> Surrogate:
        """The surrogate of g_S."""
        return Surrogate.of(self.edge.task_module, self.shapes[1])

    @cached_property
    def teacher(self) -> Surrogate:
        """The surrogate of g_T."""
        return Surrogate.of(self.edge.teacher_top, self.shapes[0])

    @cached_property
    def shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Shapes ``(C, H, W)`` of the features of f and of f_S.

        Raises:
            DiagnosticError: No adapter can join them (``LEGO605``).
        """
        pictures = torch.zeros(1, 3, self.edge.size, self.edge.size, device=self.device)
        with torch.no_grad():
            category, own = (tuple(module(pictures).shape[1:]) for module in self.modules)
        if len(category) != 3 or len(own) != 3 or category[1:] != own[1:]:
            raise DiagnosticError.of(
                "LEGO605",
                f"an adapter keeps the size of a map, but the category module gives "
                f"{list(category)} and the task module expects {list(own)}",
                label="cut at different depths",
                help=["cut both networks where their feature maps have the same height and width"],
            )
        return category, own

    @cached_property
    def leaves(self) -> Named:
        """Dead leaves pictures."""
        self.report("dead leaves")
        seed = int(torch.randint(2**31, (), generator=generator(self.seed, "leaves")))
        return Named("dead leaves", dead_leaves(LEAVES, self.edge.size, seed))

    @cached_property
    def target(self) -> Named | None:
        """Pictures of the target category and background, if there are any."""
        given = [part.images for part in (self.edge.unlabelled, self.edge.labelled) if len(part)]
        return Named("target", np.concatenate(given)[:MOST_PICTURES]) if given else None

    @cached_property
    def familiar(self) -> Named:
        """Pictures that g_S knows, else dead leaves."""
        images = self.edge.own.images
        if not len(images):
            return self.leaves
        drawn = torch.randperm(len(images), generator=generator(self.seed, "own"))
        return Named("own", images[drawn[:MOST_PICTURES].numpy()])

    @cached_property
    def best(self) -> Named:
        """All real pictures together, for what looks at features alone; else dead leaves."""
        if self.target is None:
            return self.familiar
        if self.familiar is self.leaves:
            return self.target
        images = np.concatenate([self.target.images, self.familiar.images])
        return Named("target and own", images)

    def features(self, pictures: Named) -> Features:
        """Return the joint moments of f(I) and f_S(I)."""
        return Features.of((x, y) for x, y in self.batches(pictures.images, *self.modules))

    @cached_property
    def ancestor_r2(self) -> float:
        """R^2 of stitching on dead leaves: fitted on one half of them, measured on the other."""
        half = LEAVES // 2
        fitted = self.features(Named("dead leaves", self.leaves.images[:half]))
        held_out = self.features(Named("dead leaves", self.leaves.images[half:]))
        return held_out.explained(fitted.stitch()[0])

    @cached_property
    def beta(self) -> float:
        """``E ||f_S(I)|| / E ||f(I)||``, Frobenius norms, the factor of the re-scaling layer.

        f_S sees its own pictures and f the target's; where either are missing, both see the same.

        Raises:
            DiagnosticError: A feature map is zero or not finite everywhere (``LEGO606``).
        """
        own_pictures, pictures = self.familiar, self.target or self.familiar
        if own_pictures is self.leaves:
            pictures = self.leaves
        category_module, own_module = self.modules
        return self.mean_norm(own_pictures, own_module) / self.mean_norm(pictures, category_module)

    @property
    def beta_pictures(self) -> str:
        """What beta was measured on, for the certificate."""
        if self.familiar is self.leaves or self.target is None:
            return f"{len(self.familiar.images)} {self.familiar.name}"
        return f"{len(self.familiar.images)} own and {len(self.target.images)} target"

    def mean_norm(self, pictures: Named, *modules: nn.Module) -> float:
        """Return the mean Frobenius norm of features behind modules that run one after another."""
        first, *others = modules
        total = 0.0
        for (features,) in self.batches(pictures.images, first):
            with torch.no_grad():
                behind = reduce(lambda values, module: module(values), others, features)
            total += float(behind.double().flatten(1).norm(dim=1).sum())
        norm = total / len(pictures.images)
        if not 0 < norm < float("inf"):
            raise DiagnosticError.of(
                "LEGO606",
                f"the features have a mean norm of {norm:g}, so that they cannot be re-scaled",
                label="a dead or broken module",
                help=["check the network's weights: its own predictions are useless, too"],
            )
        return norm

    @cached_property
    def _batch(self) -> int:
        # Features of VGG-16 at 224 pixels would fill gigabytes at 32 pictures.
        return max(1, min(BATCH, 2**25 // (64 * self.edge.size**2)))
