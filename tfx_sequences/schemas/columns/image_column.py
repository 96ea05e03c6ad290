"""Columns of images: one per step, or one per record."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from tfx_sequences.schemas.columns.base import AsTuple
from tfx_sequences.schemas.columns.column_base import BaseColumn


class ImageColumn(BaseColumn):
    """Images: one bytes value per step (or per record) holds one.

    They are decoded and resized while batches are made, and scaled to the range -1 to 1; a missing image is 0. A small
    convolution in the network makes a vector of each.

    >>> ImageColumn(key="frame", height=32, width=48).shape
    (32, 48, 3)
    """

    type: Literal["image"] = "image"
    height: pydantic.PositiveInt
    """Rows of pixels that the network gets."""
    width: pydantic.PositiveInt
    """Columns of pixels that the network gets."""
    channels: Literal[1, 3] = 3
    """1 for gray, 3 for color; images with other channels are converted."""
    encoding: Literal["jpeg", "png", "raw"] = "jpeg"
    """The format of the bytes. `raw`: `height * width * channels` bytes, row by row, without a header."""
    resize: Literal["bilinear", "nearest", "bicubic", "area"] = "bilinear"
    """How images of another size are resized, as in `tf.image.resize`."""
    filters: Annotated[tuple[pydantic.PositiveInt, ...], AsTuple, pydantic.Field(min_length=1)] = (16, 32)
    """Filters of each convolution, 3 by 3 with stride 2; their mean over the pixels becomes the vector."""
    dimension: pydantic.PositiveInt = 32
    """Length of an image's vector."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, channels."""
        return self.height, self.width, self.channels
