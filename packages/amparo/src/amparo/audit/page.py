"""The audit as one static HTML page: verdict, figures with plots (inline SVG), checks, how to do it oneself.

No script, no outside resource, no cookie; readable at 360 px, from right to left, in the dark, and on paper. Amounts, codes
and dates are isolated for mixed writing directions.
"""

from html import escape

from amparo.audit.checks import Check, UnitFigures
from amparo.audit.plots import bars, time_line
from amparo.audit.service import Audit
from amparo.i18n import LANGUAGES, Words, direction, words
from amparo_common.money import format_minor

STYLE = """
:root{--ink:#14201c;--paper:#fff;--brand:#0b5d4b;--muted:#47544f;--line:#b6c1bc;--bad:#a4161a;--soft:#e8f1ee;
--a:#0b5d4b;--b:#7a5b00;--c:#a4161a}
@media(prefers-color-scheme:dark){:root{--ink:#f1f5f3;--paper:#0e1513;--brand:#7fd6bd;--muted:#b5c2bc;--line:#4b5a54;
--bad:#ffb3b0;--soft:#1a2622;--a:#7fd6bd;--b:#e3c15a;--c:#ffb3b0}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main,header,footer{max-width:60rem;margin:0 auto;padding:1rem}h1{font-size:1.75rem;margin:.5rem 0}
h2{font-size:1.25rem;margin:2.5rem 0 .5rem}p{max-width:66ch}[dir=rtl] body{font-size:17px;line-height:1.7}
nav a{display:inline-block;padding:.75rem .6rem;min-height:3rem}a{color:var(--brand)}
a:focus-visible{outline:4px solid #ffd23f;outline-offset:2px}
.verdict{border:2px solid var(--brand);border-radius:.5rem;padding:1rem;font-size:1.25rem;font-weight:600}
.verdict.bad{border-color:var(--bad);color:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:start;font-weight:600;padding:.5rem 0}
th,td{text-align:start;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top}
[dir=rtl] th,[dir=rtl] td{padding:.5rem 0 .5rem .75rem}
td.n,th.n{text-align:end}td bdi,th bdi{white-space:nowrap}.wide{min-width:40rem}.muted{color:var(--muted)}
figure{margin:1rem 0;border:1px solid var(--line);border-radius:.5rem;padding:1rem}figcaption{font-weight:600}
svg{width:100%;height:auto;display:block;margin:.5rem 0}[dir=rtl] svg.bar{transform:scaleX(-1)}
ul.legend{list-style:none;padding:0;margin:.25rem 0;display:flex;flex-wrap:wrap;gap:.25rem 1.5rem}
.swatch{display:inline-block;width:1rem;height:1rem;border:1px solid var(--ink);vertical-align:-.15rem;margin-inline-end:.4rem}
.a{fill:var(--a);background:var(--a)}.b{fill:var(--b);background:var(--b)}.c{fill:var(--c);background:var(--c)}
.axis{stroke:var(--line)}svg text{fill:var(--ink);font-size:13px}
ul.checks{list-style:none;padding:0}ul.checks li{padding:.5rem 0;border-bottom:1px solid var(--line)}
.ok::before{content:"\\2713\\00a0\\00a0";font-weight:700;color:var(--brand)}
.no::before{content:"\\2717\\00a0\\00a0";font-weight:700;color:var(--bad)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--soft);padding:1rem;border-radius:.5rem;font-size:.85rem}
@media print{nav{display:none}}
"""

# What each check says when it passed. Its id stays the same in every language.
SAYS = {
    "log_consistent": "The log is whole: its signature is right, every entry is in it, nothing seen before is missing.",
    "facts_defined": "Every fact that is asked beside the catalogue was agreed to by two people, in public, before its use.",
    "rules_unchanged": "Every rule is the one that was published; its examples give what they promise.",
    "notice_kept": "Nobody decided before a rule had been public for its notice period.",
    "approvals_match": "Two people approved exactly what was decided, within the budget.",
    "keysets_announced": "Every key that signs aid was public before its use.",
    "issued_within_approved": "No more aid was issued than was approved.",
    "issued_is_accounted_for": "All aid that was issued is spent, still in people's hands, or expired.",
    "redeemed_is_settled": "All aid that was spent was paid, or will be paid, to the shops.",
}


def write_page(audit: Audit, language: str, *, links: bool = False) -> str:
    """The page in a language. `links`: with links to the same page in the other languages (`audit-LANGUAGE.html`)."""
    say = words(language)
    verdict = say("Everything adds up.") if audit.passed else say("Something is wrong. Read the findings below.")
    units = "".join(_unit(each, say) for each in audit.figures.units)
    return f"""<!doctype html>
<html lang="{language}" dir="{direction(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>{escape(say("Public audit"))} · Amparo</title>
<style>{STYLE}</style>
</head>
<body>
<header>{_languages(language, say) if links else ""}<h1>{escape(say("Public audit"))}</h1></header>
<main>
<p class="verdict{"" if audit.passed else " bad"}" role="status">{escape(verdict)}</p>
<p>{escape(say("Anybody can make this page from the public log. It needs no account, and nobody is named in it."))}</p>
{units}
{_programmes(audit, say)}
{_checks(audit.checks, say)}
{_when(audit, say)}
<h2>{escape(say("What is not collected"))}</h2>
<p>{escape(say(NOT_COLLECTED))}</p>
{_how(audit, say)}
</main>
<footer class="muted"><p>Amparo · AGPL-3.0-or-later</p></footer>
</body>
</html>
"""


NOT_COLLECTED = (
    "No party, vote, union, religion, opinion or medical history. No place or time of a purchase, no list of anybody's"
    " purchases, no score. What a person buys cannot be found out from this log, nor from all servers together."
)


def _languages(language: str, say: Words) -> str:
    links = " ".join(
        f'<a href="audit-{each}.html" lang="{each}"{" aria-current=page" if each == language else ""}>{name}</a>'
        for each, name in LANGUAGES.items()
    )
    return f'<nav aria-label="{escape(say("Languages"))}">{links}</nav>'


def _amount(minor: int) -> str:
    return f"<bdi>{format_minor(minor)}</bdi>"


def _unit(each: UnitFigures, say: Words) -> str:
    rows = [
        (
            say("Approved"),
            each.approved,
            [(say("Issued"), each.issued, "a"), (say("Not claimed yet"), each.unclaimed, "b")],
        ),
        (
            say("Issued"),
            each.issued,
            [
                (say("Spent"), each.redeemed, "a"),
                (say("In people's hands"), each.outstanding, "b"),
                (say("Expired"), each.expired, "c"),
            ],
        ),
        (
            say("Spent"),
            each.redeemed,
            [(say("Paid to shops"), each.settled, "a"), (say("To be paid"), each.payable, "b")],
        ),
    ]
    figures = "".join(
        f"<figure><figcaption>{escape(name)} {_amount(total)}</figcaption>"
        f"{bars([part for _, part, _ in parts], total, label=f'{name} {format_minor(total)}')}"
        f'<ul class="legend">{"".join(_legend(*part) for part in parts)}</ul></figure>'
        for name, total, parts in rows
    )
    body = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td class=n>{_amount(amount)}</td></tr>"
        for name, amount in (
            (say("Decided"), each.decided),
            (say("Approved"), each.approved),
            (say("Issued"), each.issued),
            (say("Spent"), each.redeemed),
            (say("In people's hands"), each.outstanding),
            (say("Expired"), each.expired),
            (say("Handed in by shops"), each.deposited),
            (say("Paid to shops"), each.settled),
            (say("To be paid"), each.payable),
        )
    )
    return (
        f"<h2>{escape(say('Aid in'))} <bdi>{escape(each.unit)}</bdi></h2>"
        f'<div class=scroll tabindex=0 role=region aria-label="{escape(each.unit)}"><table><caption>'
        f"{escape(say('From decision to shop'))}</caption><tbody>{body}</tbody></table></div>{figures}"
    )


def _legend(name: str, amount: int, colour: str) -> str:
    return f'<li><span class="swatch {colour}" aria-hidden=true></span>{escape(name)} {_amount(amount)}</li>'


def _programmes(audit: Audit, say: Words) -> str:
    head = "".join(
        f"<th scope=col{' class=n' if number > 1 else ''}>{escape(say(name))}</th>"
        for number, name in enumerate(("Programme", "Cycle", "Households", "Yes", "Amount"))
    )
    rows = "".join(
        f"<tr><th scope=row><bdi>{escape(each.programme)}</bdi></th><td><bdi>{escape(each.cycle)}</bdi></td>"
        f"<td class=n><bdi>{each.households:,}</bdi></td><td class=n><bdi>{each.eligible:,}</bdi></td>"
        f"<td class=n>{_amount(each.total)} <bdi>{escape(each.unit)}</bdi></td></tr>"
        for each in audit.figures.programmes
    )
    title = escape(say("Programmes and decisions"))
    return (
        f'<h2>{title}</h2><div class=scroll tabindex=0 role=region aria-label="{title}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _checks(checks: list[Check], say: Words) -> str:
    items = "".join(
        f'<li class="{"ok" if check.passed else "no"}">{escape(say(SAYS[check.id]))}'
        + "".join(f"<br><strong><bdi>{escape(finding)}</bdi></strong>" for finding in check.findings)
        + "</li>"
        for check in checks
    )
    return f"<h2>{escape(say('What was checked'))}</h2><ul class=checks>{items}</ul>"


def _when(audit: Audit, say: Words) -> str:
    if not audit.entries:
        return ""
    title = escape(say("When it was published"))
    return f"<h2>{title}</h2>{time_line(audit.entries, say)}"


def _how(audit: Audit, say: Words) -> str:
    command = f"amparo audit {audit.url} --vkey {audit.vkey}"
    return (
        f"<h2>{escape(say('Check it yourself'))}</h2><p>{escape(say('This command does it again, on any computer:'))}</p>"
        f"<pre dir=ltr>{escape(command)}</pre><p>{escape(say('The log had this signed head:'))}</p>"
        f"<pre dir=ltr>{escape(audit.checkpoint)}</pre>"
    )
