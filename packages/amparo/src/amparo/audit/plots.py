"""The plots of the audit page as inline SVG. Each has a text of its own beside it: a plot never stands alone."""

from collections.abc import Sequence
from html import escape

from amparo.audit.service import EntryTime
from amparo.i18n import Words

WIDTH, HEIGHT = 900, 28
KINDS = ("key", "rule", "keyset", "decisions", "approval", "figures")
COLOURS = ("a", "b", "c")


def bars(parts: Sequence[int], total: int, *, label: str) -> str:
    """One bar, divided into the parts of a total (minor units), in the order of the colours a, b, c."""
    at, drawn = 0.0, []
    for part, colour in zip(parts, COLOURS, strict=False):
        width = WIDTH * max(part, 0) / total if total > 0 else 0.0
        if width > 0:
            drawn.append(f'<rect class="{colour}" x="{at:.1f}" y="1" width="{width:.1f}" height="{HEIGHT - 2}"/>')
        at += width
    return (
        f'<svg class=bar viewBox="0 0 {WIDTH} {HEIGHT}" role=img preserveAspectRatio=none aria-label="{escape(label)}">'
        f'{"".join(drawn)}<rect class=axis x=".5" y="1" width="{WIDTH - 1}" height="{HEIGHT - 2}" fill=none /></svg>'
    )


def time_line(entries: Sequence[EntryTime], say: Words) -> str:
    """What was published on which day, as a plot (a row a kind, a dot a day) and as a table."""
    days = sorted({entry.at[:10] for entry in entries})
    counts: dict[tuple[str, str], int] = {}
    for entry in entries:
        counts[entry.kind, entry.at[:10]] = counts.get((entry.kind, entry.at[:10]), 0) + 1
    names = {
        "key": say("keys"),
        "rule": say("rules"),
        "keyset": say("keysets"),
        "decisions": say("decisions"),
        "approval": say("approvals"),
        "figures": say("figures"),
    }
    step = 640 / max(len(days), 1)
    left, top = 150, 24
    drawn = []
    for row, kind in enumerate(KINDS):
        y = top + row * 26
        drawn.append(f'<text x="{left - 16}" y="{y + 5}" text-anchor=end>{escape(names[kind])}</text>')
        drawn.append(f'<line class=axis x1="{left}" x2="{left + 680}" y1="{y}" y2="{y}"/>')
        for column, day in enumerate(days):
            count = counts.get((kind, day), 0)
            if count:
                radius = min(4 + 2 * count, 11)
                drawn.append(f'<circle class=a cx="{left + 20 + step * column:.0f}" cy="{y}" r="{radius}"/>')
    foot = top + len(KINDS) * 26
    for column, day in enumerate(days):
        x = left + 20 + step * column
        drawn.append(f'<text x="{x:.0f}" y="{foot}" text-anchor=middle direction=ltr>{day[5:]}</text>')
    rows = "".join(
        f"<tr><th scope=row><bdi>{day}</bdi></th><td>"
        + ", ".join(f"{escape(names[kind])} <bdi>{counts[kind, day]}</bdi>" for kind in KINDS if (kind, day) in counts)
        + "</td></tr>"
        for day in days
    )
    title = escape(say("Entries of the log by day"))
    beside = escape(say("When it was published"))
    return (
        f'<div class=scroll tabindex=0 role=region aria-label="{beside}"><svg class=wide viewBox="0 0 {WIDTH} {foot + 12}"'
        f' role=img aria-label="{title}" direction=ltr>{"".join(drawn)}</svg></div>'
        f'<div class=scroll tabindex=0 role=region aria-label="{title}"><table><caption>{title}</caption>'
        f"<tbody>{rows}</tbody></table></div>"
    )
