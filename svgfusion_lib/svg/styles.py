"""CSS for SVG: style sheets and style attributes over presentation attributes, and what children inherit.

An element's own properties are a dictionary name -> text; a style is what it inherits, the same way.
"""

from collections import Counter
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import cssselect2
import tinycss2

from svgfusion_lib.svg.document import local_name
from svgfusion_lib.svg.effort import spend
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
_SHORTHANDS = {"marker": ("marker-start", "marker-mid", "marker-end")}
MAX_CSS_CHARACTERS = 200_000
MAX_SELECTOR_COST = 200_000  # element visits that one selector may take
MAX_SELECTOR_STEPS = 20      # from one compound selector to the next; Python compiles them nested
MANY_ATTRIBUTES = 50         # of an element: above it reading them counts as work
_COMBINATORS = (">", "+", "~")


def own_properties(element: Element) -> dict[str, str]:
    """Presentation attributes, overridden by the style attribute; invalid colours are ignored, as CSS does."""
    if len(element.attrib) > MANY_ATTRIBUTES:
        spend(len(element.attrib) / 4, "attributes")
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
        spend(2 * len(text) + 5 * sum(map(text.count, "([{")), "style attributes")
        found = [
            (d.lower_name, tinycss2.serialize(d.value).strip(), d.important)
            for d in tinycss2.parse_declaration_list(text, skip_comments=True, skip_whitespace=True)
            if d.type == "declaration"
        ]
    else:
        spend(len(text) / 20 + text.count(";"), "style attributes")
        found = []
        for declaration in text.split(";"):
            name, _, value = declaration.partition(":")
            found.append((name.strip().lower(), value.strip(), False))
    return [
        (name, value, important) for written, value, important in found for name in _SHORTHANDS.get(written, (written,))
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
    spend(len(text) + 5 * len(sheets), "style sheets")
    matcher = cssselect2.Matcher()
    rules = _rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), unsupported)
    if not rules:
        return
    extent = _extent(root)
    for rule in rules:
        found = parse_declarations(tinycss2.serialize(rule.content))
        declarations = list({(name, important): (name, value, important) for name, value, important in found}.values())
        if not declarations:
            continue
        prelude = tinycss2.serialize(rule.prelude)
        if ":" in prelude or _steps(rule.prelude) > MAX_SELECTOR_STEPS:
            unsupported["CSS selector"] += 1
            continue
        spend(len(prelude) + 80 * (1 + prelude.count(",")), "CSS selectors")
        try:
            selectors = cssselect2.compile_selector_list(rule.prelude)
        except cssselect2.SelectorError:
            unsupported["CSS selector"] += 1
            continue
        for selector in selectors:
            visits = extent.subjects(selector) * extent.reach(rule.prelude)
            if visits > MAX_SELECTOR_COST and visits > extent.subjects(selector):
                unsupported["CSS selector"] += 1
            elif selector.pseudo_element is None:
                spend(visits / 4 + ("[" in prelude) * extent.characters / 50, "CSS selectors")
                matcher.add_selector(selector, declarations)
    spend(10 * extent.count, "CSS selectors")
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
    style = ";".join(f"{name}:{value}" for name, value in final.items())
    spend(10 + len(declarations) / 2 + len(style) / 20, "CSS declarations")
    element.set("style", style)
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


def _steps(prelude: list) -> int:
    """At most so many times one of the selectors goes from an element to another."""
    steps = most = 0
    for token in prelude:
        steps = 0 if token == "," else steps + (token.type == "whitespace" or token in _COMBINATORS)
        most = max(most, steps)
    return most


@dataclass
class _Extent:
    """What the cost of selectors hangs on: how many elements, how deep, how many side by side, of which names."""

    count: int
    depth: int
    width: int
    characters: int      # of all attributes
    names: Counter       # "#id", ".class", "tag" -> elements

    def subjects(self, selector: cssselect2.compiler.CompiledSelector) -> int:
        """How many elements the selector is tried on."""
        if selector.id is not None:
            return self.names[f"#{selector.id}"]
        if selector.class_name is not None:
            return self.names[f".{selector.class_name}"]
        return self.count if selector.local_name is None else self.names[selector.lower_local_name]

    def reach(self, prelude: list) -> int:
        """How many others each of them may be compared with, by "a b" and "a ~ b"."""
        tokens = [token for token in prelude if token.type != "comment"]
        searches = sum(
            token.type == "whitespace" and before not in _COMBINATORS and after not in _COMBINATORS
            for before, token, after in zip(tokens, tokens[1:], tokens[2:])
        )
        siblings = sum(token == "~" for token in tokens)
        return self.depth ** min(searches, MAX_SELECTOR_STEPS) * self.width ** min(siblings, MAX_SELECTOR_STEPS)


def _extent(root: Element) -> _Extent:
    extent, stack = _Extent(0, 1, 1, 0, Counter()), [(root, 1)]
    while stack:
        element, depth = stack.pop()
        extent.count += 1
        extent.depth, extent.width = max(extent.depth, depth), max(extent.width, len(element))
        extent.characters += sum(map(len, element.attrib.values()))
        extent.names[local_name(element).lower()] += 1
        extent.names[f"#{element.get('id')}"] += 1
        extent.names.update(f".{name}" for name in set(element.get("class", "").split()))
        stack += [(child, depth + 1) for child in element]
    spend(5 * extent.count + extent.characters / 20, "CSS selectors")
    return extent
