"""Plots as SVG, made of text: a page of them opens anywhere, without a network."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.tuning.parameter import shown

GOOD, BAD = (15, 118, 110), (214, 211, 209)
WIDTH, HEIGHT = 560, 260
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 10, 40


@dataclass(frozen=True)
class Axis:
    """From values to places between 0 and 1.

    Args:
        values: All that are to be shown.
        title: What they are.
        log: Whether each decade takes the same room.
        robust: Leave out what lies far from the others; it is shown at the end of the axis.
        choice: Each value has its place, in this order, numbers too.
    """

    values: Sequence[Any]
    title: str = ""
    log: bool = False
    robust: bool = False
    choice: bool = False

    @property
    def categories(self) -> list[str]:
        """The names of values that are no range of numbers."""
        return list(dict.fromkeys(map(shown, self.values))) if self.choice else []

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the greatest number on the axis."""
        numbers = sorted(float(value) for value in self.values if math.isfinite(value))
        if not numbers:
            return 0.0, 1.0
        low, high = numbers[0], numbers[-1]
        if self.robust and len(numbers) >= 8:
            first, third = numbers[len(numbers) // 4], numbers[3 * len(numbers) // 4]
            reach = 3 * (third - first)
            low, high = max(low, first - reach), min(high, third + reach)
        if low == high:
            low, high = (low / 2, low * 2) if self.log else (low - 0.5, high + 0.5)
        return low, high

    def place(self, value: Any) -> float:
        """Where a value stands, from 0 to 1."""
        names = self.categories
        if names:
            return (names.index(shown(value)) + 0.5) / len(names)
        low, high = self.limits
        number = min(max(float(value), low), high) if math.isfinite(value) else low
        if self.log and low > 0:
            return math.log(number / low) / math.log(high / low)
        return (number - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and what stands there."""
        names = self.categories
        if names:
            return [((number + 0.5) / len(names), name) for number, name in enumerate(names)]
        low, high = self.limits
        if self.log and low > 0:
            steps = [low * (high / low) ** (step / 3) for step in range(4)]
            return [(step / 3, compact(value)) for step, value in enumerate(steps)]
        step = 10 ** math.floor(math.log10((high - low) / 2))
        step *= next(factor for factor in (1, 2, 5, 10, 20) if (high - low) / (step * factor) <= 5)
        count = math.floor(high / step) - math.ceil(low / step) + 1
        values = [step * (math.ceil(low / step) + number) for number in range(count)]
        return [(self.place(value), f"{value:.6g}" if abs(value) < 1000 else compact(value)) for value in values]


@dataclass
class Plot:
    """A drawing with two axes.

    Args:
        across: The horizontal axis.
        up: The vertical axis.
        width: In pixels.
        height: In pixels.
    """

    across: Axis
    up: Axis
    width: int = WIDTH
    height: int = HEIGHT
    parts: list[str] = field(default_factory=list)

    def x(self, value: Any) -> float:
        """The pixel of a value of the horizontal axis."""
        return round(LEFT + self.across.place(value) * (self.width - LEFT - RIGHT), 1)

    def y(self, value: Any) -> float:
        """The pixel of a value of the vertical axis."""
        return round(self.height - BOTTOM - self.up.place(value) * (self.height - TOP - BOTTOM), 1)

    def line(self, points: Sequence[tuple[Any, Any]], color: str, width: float = 1.5, title: str = "") -> None:
        """A line through points."""
        path = " ".join(f"{self.x(x)},{self.y(y)}" for x, y in points)
        self.parts.append(
            f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="{width}">{_title(title)}</polyline>'
        )

    def point(self, x: Any, y: Any, color: str, title: str = "", shift: float = 0.0) -> None:
        """A dot; `shift` moves it sideways, so that dots of one category do not hide each other."""
        self.parts.append(
            f'<circle cx="{self.x(x) + shift:.1f}" cy="{self.y(y)}" r="4" fill="{color}" class="dot">'
            f"{_title(title)}</circle>"
        )

    def svg(self) -> str:
        """The drawing, axes included."""
        right, bottom = self.width - RIGHT, self.height - BOTTOM
        axes = [f'<path d="M{LEFT},{TOP}V{bottom}H{right}" class="axis"/>']
        for place, text in self.across.ticks():
            x = LEFT + place * (right - LEFT)
            axes.append(f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="middle">{html.escape(text)}</text>')
        for place, text in self.up.ticks():
            y = bottom - place * (bottom - TOP)
            axes.append(f'<path d="M{LEFT},{y:.1f}H{right}" class="grid"/>')
            axes.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{html.escape(text)}</text>')
        middle = (LEFT + right) / 2
        axes.append(text_at(middle, self.height - 6, self.across.title, "middle", "label"))
        return drawing(self.width, self.height, [*axes, *self.parts])


def drawing(width: int, height: int, parts: Sequence[str]) -> str:
    """An SVG element."""
    return f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">{"".join(parts)}</svg>'


def text_at(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> str:
    """A text; `anchor` is start, middle or end."""
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{style}>{html.escape(text)}</text>'


def shade(quality: float) -> str:
    """A colour from pale (0) to strong (1)."""
    mixed = (round(bad + (good - bad) * min(max(quality, 0.0), 1.0)) for bad, good in zip(BAD, GOOD, strict=True))
    return f"rgb({','.join(map(str, mixed))})"


def compact(number: float) -> str:
    """A number in few characters: 0.0015, 140, 25k, 1.5M."""
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.3g}{sign}"
    return f"{number:.2g}" if abs(number) < 1 else f"{number:.3g}"


def _title(text: str) -> str:
    return f"<title>{html.escape(text)}</title>" if text else ""
