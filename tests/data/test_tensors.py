"""Tensors are normalised as torchvision's ready weights expect."""

from __future__ import annotations

import numpy as np
import torch
from torchvision.transforms import v2

from legonet.data import to_tensor


def test_to_tensor_is_what_torchvisions_weights_expect():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), np.uint8)
    mean, deviation = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    reference = v2.Compose(
        [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, deviation)]
    )
    expected = torch.stack([reference(image) for image in images])
    found = to_tensor(images)
    assert found.dtype == torch.float32
    assert found.is_contiguous()
    torch.testing.assert_close(found, expected)


def test_to_tensor_leaves_the_pictures_alone_and_takes_read_only_ones():
    images = np.full((2, 4, 4, 3), 9, np.uint8)
    images.flags.writeable = False
    to_tensor(images).zero_()
    assert (images == 9).all()
    assert to_tensor(images[:0]).shape == (0, 3, 4, 4)
