"""CSS for SVG: style sheets and style attributes over presentation attributes, and what children inherit.

An element's own properties are a dictionary name -> text; a style is what it inherits, the same way.
"""

from collections import Counter
from xml.etree.ElementTree import Element

import cssselect2
import tinycss2

from svgfusion_lib.svg.document import local_name
from svgfusion_lib.svg.values import parse_colour, parse_url

INHERITED = frozenset({
    "fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap",
    "stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "color", "visibility",
    "clip-rule", "paint-order", "font-size", "marker-start", "marker-mid", "marker-end",
})
PROPERTIES = INHERITED | {
    "opacity", "display", "clip-path", "mask", "filter", "mask-type", "overflow", "vector-effect", "mix-blend-mode",
    "stop-color", "stop-opacity", "transform", "transform-origin", "transform-box", "enable-background",
    "d", "x", "y", "cx", "cy", "r", "rx", "ry", "width", "height",  # geometry that CSS may set (SVG 2, section 8.7)
}
GEOMETRY = frozenset({"d", "x", "y", "cx", "cy", "r", "rx", "ry", "width", "height"})
MAX_CSS_CHARACTERS = 200_000
MAX_SELECTOR_COST = 200_000  # element visits that one selector may take


def own_properties(element: Element) -> dict[str, str]:
    """Presentation attributes, overridden by the style attribute; invalid colours are ignored, as CSS does."""
    own = {
        name: value for name, value in element.attrib.items()
        if name in PROPERTIES and name not in GEOMETRY and (name not in ("fill", "stroke") or is_paint(value))
    }
    style = element.get("style")
    if style:
        for name, value, _ in parse_declarations(style):
            own[name] = value
    return own


def inherit(parent: dict[str, str], own: dict[str, str]) -> dict[str, str]:
    """The style of an element: its parent's with its own inherited properties over it."""
    changes = {
        name: value for name, value in own.items()
        if name in INHERITED and value not in ("inherit", "unset", "revert", "revert-layer")
    }
    if not changes:
        return parent
    style = parent | changes
    for name, value in changes.items():
        if value == "initial" or (name == "color" and value.lower() == "currentcolor"):
            style.pop(name) if value == "initial" else style.__setitem__(name, parent.get(name, "black"))
    return style


def is_paint(text: str) -> bool:
    """Whether a fill or stroke value means something; what does not is as if it were not written."""
    text = text.strip()
    return (
        text in ("none", "inherit", "initial", "unset", "context-fill", "context-stroke")
        or parse_colour(text) is not None or parse_url(text) is not None
    )


def parse_declarations(text: str) -> list[tuple[str, str, bool]]:
    """(name, value, important) of each declaration of a property that matters here."""
    if "/*" in text or "\\" in text or "'" in text or '"' in text or "!" in text:
        found = [
            (d.lower_name, tinycss2.serialize(d.value).strip(), d.important)
            for d in tinycss2.parse_declaration_list(text, skip_comments=True, skip_whitespace=True)
            if d.type == "declaration"
        ]
    else:
        found = []
        for declaration in text.split(";"):
            name, _, value = declaration.partition(":")
            found.append((name.strip().lower(), value.strip(), False))
    return [
        (name, value, important) for name, value, important in found
        if name in PROPERTIES and value and (name not in ("fill", "stroke") or is_paint(value))
        and (name not in GEOMETRY or value[-1] not in "123456789.")  # CSS lengths have units, all but 0
    ]


def apply_style_sheets(root: Element, unsupported: Counter) -> None:
    """Write what the document's <style> elements say into the style attributes of the elements they match.

    Raises ValueError if the sheets are too large. Selectors that cannot be read are counted.
    """
    sheets = [e for e in root.iter() if local_name(e) == "style"]
    if not sheets:
        return
    text = "\n".join("".join(sheet.itertext()) for sheet in sheets if sheet.get("type", "text/css") in ("", "text/css"))
    if len(text) > MAX_CSS_CHARACTERS:
        raise ValueError(f"style sheets of more than {MAX_CSS_CHARACTERS:,} characters")
    matcher = cssselect2.Matcher()
    count, depth_or_width = _extent(root)
    for rule in _rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), unsupported):
        declarations = parse_declarations(tinycss2.serialize(rule.content))
        if not declarations:
            continue
        prelude = tinycss2.serialize(rule.prelude)
        steps = len([token for token in rule.prelude if token.type == "whitespace" or token in (">", "+", "~")])
        if ":" in prelude or count * depth_or_width ** min(steps, 20) > MAX_SELECTOR_COST and steps > 1:
            unsupported["CSS selector"] += 1
            continue
        try:
            selectors = cssselect2.compile_selector_list(rule.prelude)
        except cssselect2.SelectorError:
            unsupported["CSS selector"] += 1
            continue
        for selector in selectors:
            if selector.pseudo_element is None:
                matcher.add_selector(selector, declarations)
    for wrapper in cssselect2.ElementWrapper.from_xml_root(root).iter_subtree():
        _cascade(wrapper.etree_element, matcher.match(wrapper))


def _cascade(element: Element, matches: list) -> None:
    """Style attribute of an element: sheet rules by specificity, then its own, then whatever is important."""
    if not matches:
        return
    declarations = [d for _, _, _, found in sorted(matches, key=lambda m: m[:2]) for d in found]
    declarations += parse_declarations(element.get("style", ""))
    final = {name: value for name, value, important in declarations if not important}
    final |= {name: value for name, value, important in declarations if important}
    element.set("style", ";".join(f"{name}:{value}" for name, value in final.items()))
    for name in GEOMETRY & final.keys():
        element.set(name, final[name])


def _rules(rules: list, unsupported: Counter) -> list:
    """Qualified rules of a sheet, those of @media that hold on a screen included."""
    found = []
    for rule in rules:
        if rule.type == "qualified-rule":
            found.append(rule)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content:
            media = tinycss2.serialize(rule.prelude).strip().lower()
            if media in ("", "all", "screen", "only screen"):
                found += _rules(tinycss2.parse_rule_list(rule.content, True, True), unsupported)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "import":
            unsupported["external style sheet"] += 1
    return found


def _extent(root: Element) -> tuple[int, int]:
    """Number of elements, and the larger of depth and most children."""
    count, widest, deepest, stack = 0, 1, 1, [(root, 1)]
    while stack:
        element, depth = stack.pop()
        count, widest, deepest = count + 1, max(widest, len(element)), max(deepest, depth)
        stack += [(child, depth + 1) for child in element]
    return count, max(widest, deepest)
