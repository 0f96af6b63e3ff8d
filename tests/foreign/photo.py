"""A code as a hand-held camera sees it: turned, leaned away, out of focus, in bad light. Pure numpy, the same every time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

SIDE = 720
# How much of the picture's width the paper fills, and how far away the camera is, in widths of the paper.
_SHARE, _DISTANCE = 0.6, 2.5


@dataclass(frozen=True, slots=True)
class Manner:
    """How a picture is taken. `angle`: turned in its plane, degrees; `tilt`: leaned away from the camera, degrees; `blur`: sigma of
    the focus, in modules; `noise`: sigma in grey values of 255; `shade`: how much darker one side is, 0 to 1."""

    angle: float = 0.0
    tilt: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    shade: float = 0.0


def photo(paper: Any, modules: int, manner: Manner) -> Any:
    """A grey picture of SIDE x SIDE pixels of a square of paper (grey values), across which a code has so many modules, quiet
    zone included."""
    paper = np.asarray(paper, dtype=float)
    size = paper.shape[0]
    if manner.blur:
        paper = _blurred(paper, manner.blur * size / modules)
    # Each pixel of the photo looks back at the paper: first the camera's ray, then the turned and leaning plane.
    at = (np.arange(SIDE) + 0.5 - SIDE / 2) / (_SHARE * SIDE)
    x, y = np.meshgrid(at, at)
    angle, tilt = np.radians(manner.angle), np.radians(manner.tilt)
    depth = _DISTANCE / (_DISTANCE * np.cos(tilt) - y * np.sin(tilt))
    across, down = x * depth * np.cos(tilt), y * depth
    u = (across * np.cos(angle) + down * np.sin(angle) + 0.5) * size - 0.5
    v = (-across * np.sin(angle) + down * np.cos(angle) + 0.5) * size - 0.5
    seen = _sampled(paper, u, v) * (1 - manner.shade * np.arange(SIDE) / SIDE)
    seen += np.random.default_rng(1).normal(0, manner.noise, seen.shape) if manner.noise else 0
    return np.clip(seen, 0, 255).astype(np.uint8)


def _sampled(paper: Any, u: Any, v: Any) -> Any:
    """Grey values between pixels; beside the paper it is light grey."""
    size = paper.shape[0]
    inside = (u >= 0) & (v >= 0) & (u < size - 1) & (v < size - 1)
    u, v = np.clip(u, 0, size - 2), np.clip(v, 0, size - 2)
    left, top = np.floor(u).astype(int), np.floor(v).astype(int)
    right, low = u - left, v - top
    above = paper[top, left] * (1 - right) + paper[top, left + 1] * right
    below = paper[top + 1, left] * (1 - right) + paper[top + 1, left + 1] * right
    return np.where(inside, above * (1 - low) + below * low, 200.0)


def _blurred(paper: Any, sigma: float) -> Any:
    """Out of focus: a bell of this width in both directions."""
    reach = int(np.ceil(3 * sigma))
    bell = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    bell /= bell.sum()
    for axis in (0, 1):
        edges = [(reach, reach) if each == axis else (0, 0) for each in (0, 1)]
        padded, length = np.pad(paper, edges, mode="edge"), paper.shape[axis]
        paper = sum(weight * np.take(padded, np.arange(length) + at, axis=axis) for at, weight in enumerate(bell))
    return paper
