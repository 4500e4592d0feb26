"""Random changes of training sequences, never of validation or test data.

Every function takes a batch's values and a generator, and returns changed values of the same shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from unrolled.config import AugmentConfig
from unrolled.data import Sequences
from unrolled.data.batches import Batch
from unrolled.errors import ConfigError, option

PICTURES = ("rotation", "zoom", "shear", "translate", "elastic")
SEQUENCES = ("time_shift", "shuffle_steps", "value_scale", "noise")
"""Changes of pictures, and of any sequences."""


def check_augmentation(config: AugmentConfig, sequences: Sequences) -> None:
    """Refuses changes of pictures for other sequences, and changes of numbers for text.

    Raises:
        ConfigError: with what to set instead.
    """
    if sequences.symbols is not None and (config.value_scale or config.noise):
        raise ConfigError(
            f"{_named(['value_scale', 'noise'])} change numbers, and these sequences are text; set them to 0."
        )
    if config.of_pictures and not sequences.pictures:
        raise ConfigError(
            f"{_named(PICTURES)} apply to pictures only, and these sequences are not pictures; set them to 0, or use "
            f"{_named(SEQUENCES)}."
        )


def _named(names: Sequence[str]) -> str:
    """Options in a sentence."""
    return f"{', '.join(map(option, names[:-1]))} and {option(names[-1])}"


def augment(batch: Batch, config: AugmentConfig, generator: Generator | None, unit: Tensor | None = None) -> Batch:
    """The batch with the changes that the config asks for, drawn anew for each sequence.

    Args:
        batch: stays as it is.
        config: the changes and their sizes.
        generator: draws the random numbers on its own device; None for the default one of the batch's device.
        unit: the size of a noise of 1 in each channel, [F], or [B, 1, F]; 1 where None.
    """
    inputs = batch.inputs
    if config.of_pictures:
        inputs = warp_pictures(inputs, config, generator)
    if config.of_sequences:
        inputs = change_sequences(inputs, batch.lengths, config, generator, unit)
    return replace(batch, inputs=inputs)


def warp_pictures(pictures: Tensor, config: AugmentConfig, generator: Generator | None) -> Tensor:
    """Turned, zoomed, sheared, moved and bent pictures, [B, rows, columns]; what enters at an edge is black.

    Each amount is drawn uniformly up to its limit; the bend is a normal displacement of a 4 × 4 grid of
    points, smooth between them (in the way of Simard, Steinkraus and Platt 2003).
    """
    count, rows, columns = pictures.shape
    grid = F.affine_grid(_affine(pictures, config, generator), [count, 1, rows, columns], align_corners=False)
    if config.elastic:
        coarse = _draw(torch.randn, (count, 2, 4, 4), pictures.device, generator)
        bend = F.interpolate(coarse, (rows, columns), mode="bicubic", align_corners=True)
        # a pixel's size in the grid's unit, made on the device: a list would have to be sent there
        pixel = torch.stack([pictures.new_full((), 2 / columns), pictures.new_full((), 2 / rows)])
        grid = grid + bend.permute(0, 2, 3, 1) * (config.elastic * pixel)
    return F.grid_sample(pictures[:, None], grid, align_corners=False)[:, 0]


def change_sequences(
    values: Tensor, lengths: Tensor, config: AugmentConfig, generator: Generator | None, unit: Tensor | None = None
) -> Tensor:
    """Shuffled, shifted, scaled and noisy sequences, [B, T, F]; the padding stays zero."""
    count, steps, channels = values.shape
    device = values.device
    places = torch.arange(steps, device=device)
    if config.shuffle_steps:
        draws = _draw(torch.rand, (count, steps), device, generator)
        order = draws.where(places < lengths[:, None], 2.0).argsort(1)  # the padding, of larger draws, stays behind
        values = values.gather(1, order[:, :, None].expand(-1, -1, channels))
    if config.time_shift:
        draw = partial(torch.randint, -config.time_shift, config.time_shift + 1)
        shifts = _draw(draw, (count, 1), device, generator, torch.int64)
        source = (places + shifts).clamp(min=0).minimum(lengths[:, None] - 1)
        values = values.gather(1, source[:, :, None].expand(-1, -1, channels))
    if config.value_scale:
        values = values * (1 + config.value_scale * _draw(torch.randn, (count, 1, channels), device, generator))
    if config.noise:
        noise = config.noise * _draw(torch.randn, tuple(values.shape), device, generator)
        values = values + (noise if unit is None else noise * unit)
    return values.where((places < lengths[:, None])[:, :, None], 0.0)


def _affine(pictures: Tensor, config: AugmentConfig, generator: Generator | None) -> Tensor:
    """The maps from output to input places, [B, 2, 3], in the unit of `torch.nn.functional.affine_grid`."""
    count, rows, columns = pictures.shape
    draws = _draw(torch.rand, (6, count), pictures.device, generator)
    angle, shear, zoom_x, zoom_y, move_x, move_y = (2 * draws - 1).unbind()
    angle = angle * math.radians(config.rotation)
    slope = torch.tan(shear * math.radians(config.shear))
    zoom_x, zoom_y = 1 + config.zoom * zoom_x, 1 + config.zoom * zoom_y
    cos, sin = angle.cos(), angle.sin()
    move_x, move_y = move_x * config.translate * 2 / columns, move_y * config.translate * 2 / rows
    first = torch.stack([cos * zoom_x, (cos * slope - sin) * zoom_y, move_x], -1)
    second = torch.stack([sin * zoom_x, (sin * slope + cos) * zoom_y, move_y], -1)
    return torch.stack([first, second], 1)


def _draw(
    draw: Callable[..., Tensor],
    shape: tuple[int, ...],
    device: torch.device,
    generator: Generator | None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Random numbers on the device, drawn where the generator is."""
    origin = device if generator is None else generator.device
    return draw(shape, generator=generator, dtype=dtype, device=origin).to(device)
