"""HTML page to view a set and choose other drawings: one file that loads nothing and runs only its own script.

Words and names are escaped, drawings are <img> with data: URLs, in which no scripts run, and the page's Content
Security Policy allows only our script, by its hash.
"""

import base64
import hashlib
import html
from pathlib import Path

from svgfusion_lib.icon_sets.drawing import IconSet, SetIcon
from svgfusion_lib.utils.render import data_address

_HERE = Path(__file__)


def page(icons: IconSet, name: str, folder: str) -> str:
    """The page as HTML. folder: name of the set's folder."""
    script = _HERE.with_name("page.js").read_text(encoding="utf-8")
    style = _HERE.with_name("page.css").read_text(encoding="utf-8")
    policy = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src 'sha256-{_hash(style)}'; script-src 'sha256-{_hash(script)}'"
    )
    count = len(icons.icons)
    facts = [f"{count} icon{'s' if count > 1 else ''}", f"{icons.style} style"]
    if icons.common.pen is not None:
        facts.append(f"pen {icons.common.pen:g}")
    facts.append(f"optical size {icons.common.size:.1f} of 24")
    cards = "\n".join(_card(icon) for icon in icons.icons)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{html.escape(name)}</title>
<style>{style}</style>
</head>
<body data-folder="{html.escape(folder)}">
<header>
<h1>{html.escape(name)}</h1>
<p>{html.escape(" · ".join(facts))}</p>
<div class="sizes" role="group" aria-label="Size"></div>
</header>
<p class="help">Click a drawing to use it for its icon.
Then run this command next to the folder to rewrite all files:</p>
<p class="command"><code>No changes yet.</code><button type="button" hidden>Copy</button></p>
<main>
{cards}
</main>
<script>{script}</script>
</body>
</html>
"""


def _card(icon: SetIcon) -> str:
    word = html.escape(icon.word)
    drawn_for = icon.drawn_for[icon.chosen].partition(",")[0]
    others = "".join(
        f'<button type="button" data-number="{number}" aria-pressed="{str(number == icon.chosen + 1).lower()}"'
        f' aria-label="Drawing {number} of {word}" title="{html.escape(why)}">'
        f'<img alt="" src="{data_address(svg)}"></button>'
        for number, (svg, why) in enumerate(zip(icon.candidates, icon.drawn_for), start=1)
    )
    near = "" if drawn_for.casefold() == icon.word.partition(",")[0].casefold() else f"drawn for: {drawn_for}"
    if icon.doubtful and icon.chosen == 0:
        near = "probably wrong"
    return (
        f'<section data-name="{icon.name}" data-chosen="{icon.chosen + 1}">'
        f'<img class="large" width="96" height="96" alt="{word}" src="{data_address(icon.svg)}">'
        f'<h2 dir="auto">{word}</h2><p class="near" dir="auto">{html.escape(near)}</p>'
        f'<div class="others">{others}</div></section>'
    )


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
