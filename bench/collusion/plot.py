"""The crowd's worth as a picture: success against the number of people, both on logarithmic scales. Plain SVG."""

import math
from collections.abc import Sequence

import msgspec

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 470, 70, 215, 40, 55
_LEAST, _MOST = 1e-4, 1.0


class Line(msgspec.Struct, frozen=True):
    """Points (people, share between 0 and 1) under a name. `dashed`: a bound, not a measurement."""

    name: str
    colour: str
    points: list[tuple[int, float]]
    dashed: bool = False


def draw(title: str, lines: Sequence[Line]) -> str:
    """The picture."""
    people = [people for line in lines for people, _ in line.points]
    first, last = math.log10(min(people)), math.log10(max(people))

    def across(value: float) -> float:
        return _LEFT + (math.log10(value) - first) / max(last - first, 0.1) * (_WIDTH - _LEFT - _RIGHT)

    def down(share: float) -> float:
        part = (math.log10(min(max(share, _LEAST), _MOST)) - math.log10(_LEAST)) / math.log10(_MOST / _LEAST)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/><text x="{_LEFT}" y="22" font-size="14">{title}</text>',
    ]
    for share in (1e-4, 1e-3, 1e-2, 1e-1, 1.0):
        y = down(share)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.4g}</text>')
    for each in sorted(set(lines[0].points)):
        parts.append(
            f'<text x="{across(each[0]):.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{each[0]:,}</text>'
        )
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 12}">people active in the programme and month (k)</text>')
    for place, line in enumerate(lines):
        points = " ".join(f"{across(people):.1f},{down(share):.1f}" for people, share in sorted(line.points))
        dash = ' stroke-dasharray="6 4"' if line.dashed else ""
        y = _TOP + 18 * place
        parts.append(f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="2"{dash}/>')
        x = _WIDTH - _RIGHT + 12
        parts.append(f'<path d="M{x} {y}h22" stroke="{line.colour}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{x + 28}" y="{y + 4}">{line.name}</text>')
    return "\n".join([*parts, "</svg>\n"])
