"""What paths answer for pictures, as a person reads it, and masks as files."""

from __future__ import annotations

from legonet.network.prediction.mask_files import MaskFiles
from legonet.network.prediction.pictures import GivenPicture
from legonet.network.prediction.predicting import predictions
from legonet.network.prediction.prediction import Prediction

__all__ = ["GivenPicture", "MaskFiles", "Prediction", "predictions"]
