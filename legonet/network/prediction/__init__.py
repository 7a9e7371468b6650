"""What paths answer for pictures, as a person reads it, and masks as files."""

from __future__ import annotations

from legonet.network.prediction.pictures import Given, GivenPicture
from legonet.network.prediction.predicting import predictions
from legonet.network.prediction.prediction import MaskFiles, Prediction

__all__ = ["Given", "GivenPicture", "MaskFiles", "Prediction", "predictions"]
