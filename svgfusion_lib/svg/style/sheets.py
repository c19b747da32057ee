"""Style sheets: applies their rules by writing them into the style attributes of matching elements.

Supports @media, @supports and @layer (CSS Conditional 3, CSS Cascade 5) and nested rules (CSS Nesting 1); cssselect2
matches the selectors.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import cssselect2
import tinycss2

from svgfusion_lib.svg.document import XHTML_NAMESPACE, href, local_name
from svgfusion_lib.svg.effort import spend
from svgfusion_lib.svg.style.cascade import UNIT_DUE, Declaration, parse_declarations, valid_declarations
from svgfusion_lib.svg.style.conditions import Screen, media_matches, supports_matches
from svgfusion_lib.svg.style.values import is_length

MAX_CSS_CHARACTERS = 200_000
MAX_SELECTOR_COST = 200_000  # element visits per selector
MAX_SELECTOR_STEPS = 20      # combinators per selector; they compile to nested Python code
MAX_SELECTOR_CHARACTERS = 2_000
MAX_SHADOWS = 5_000          # elements matched again as content of <use> elements
MAX_NESTING = 30             # of nested rules and at-rules
_EMBEDDED = re.compile(r"""url\(\s*+["']?+data:[\w/+.;=-]*+,[A-Za-z0-9+/=%\s]*+["']?+\s*+\)""")
_RELATION = re.compile(r"[\s>+~:]")  # in selectors that may depend on an element's position
_COMBINATORS = (">", "+", "~")

Layer = tuple[float, ...]    # position of a cascade layer; later ones win, and unlayered rules win over all
_NO_LAYER = math.inf


@dataclass
class _Rule:
    prelude: list               # tokens of the selectors
    declarations: list[Declaration]
    layer: Layer


def apply_style_sheets(root: Element, screen: Screen, unsupported: Counter) -> dict[Element, Element]:
    """Write the rules of the document's <style> elements into the style attributes of matching elements.

    Returns copies of elements that a <use> shows with other styles than their own, by original element. Raises
    ValueError if the sheets are too large. Counts CSS features that browsers support and this module does not.
    """
    sheets = [
        e for e in root.iter()
        if (local_name(e) == "style" or e.tag == f"{XHTML_NAMESPACE}style")
        and e.get("type", "text/css").strip().lower() in ("", "text/css")
    ]
    if not sheets:
        return {}
    reader = _Reader(screen, unsupported)
    spend(5 * len(sheets), "style sheets")
    for sheet in sheets:
        if media_matches(tinycss2.parse_component_value_list(sheet.get("media", "")), screen):
            reader.read("".join(sheet.itertext()))
    if not reader.rules:
        return {}
    matcher, inside = cssselect2.Matcher(), cssselect2.Matcher()
    extent, related = _extent(root), False
    for rule in reader.rules:
        text = tinycss2.serialize(rule.prelude).strip()
        related = related or any(_RELATION.search(part.strip()) for part in text.split(","))
        for selector in _selectors(rule.prelude, reader.namespaces, extent, unsupported):
            matcher.add_selector(selector, rule)
            if ":root" not in text.lower():
                inside.add_selector(selector, rule)
    shadows = _copies(root, extent, unsupported) if related else {}
    _match(root, matcher)
    for target, shadow in list(shadows.items()):
        _match(shadow, inside)
        if all(a.get("style") == b.get("style") for a, b in zip(target.iter(), shadow.iter())):
            del shadows[target]
    return shadows


def _copies(root: Element, extent: "_Extent", unsupported: Counter) -> dict[Element, Element]:
    """Targets of <use> elements, each copied as a separate tree for selectors to match (SVG 2, section 5.5.3)."""
    names = {href(element) for element in root.iter() if local_name(element) == "use"} - {""}
    targets: dict[str, Element] = {}
    for element in root.iter() if names else ():
        if element is not root and element.get("id") in names:
            targets.setdefault(element.get("id", ""), element)
    shadows: dict[Element, Element] = {}
    left = MAX_SHADOWS
    for target in targets.values():
        size = sum(1 for _ in target.iter())
        left -= size
        if left < 0:
            unsupported["CSS selector for use content"] += 1
            break
        spend(20 * size + extent.visits / 4 * size / extent.count, "CSS selectors")
        shadows[target] = deepcopy(target)
    return shadows


def _match(root: Element, matcher: cssselect2.Matcher) -> None:
    for wrapper in cssselect2.ElementWrapper.from_xml_root(root).iter_subtree():
        spend(10, "CSS selectors")
        _cascade(wrapper.etree_element, matcher.match(wrapper))


def _selectors(prelude: list, namespaces: dict, extent: "_Extent", unsupported: Counter) -> Iterator:
    """The compiled selectors of a rule; none if any is invalid (Selectors 4, section 4.1)."""
    text = tinycss2.serialize(prelude)
    if len(text) > MAX_SELECTOR_CHARACTERS or _steps(prelude) > MAX_SELECTOR_STEPS:
        unsupported["CSS selector"] += 1
        return
    spend(len(text) + 80 * (1 + text.count(",")), "CSS selectors")
    try:
        selectors = cssselect2.compile_selector_list(prelude, namespaces)
    except (cssselect2.SelectorError, NotImplementedError, SyntaxError, ValueError):
        unsupported.update(["CSS selector"] if ":" in text or "|" in text else [])
        return
    for selector in selectors:
        visits = extent.subjects(selector) * extent.reach(prelude)
        if visits > MAX_SELECTOR_COST and visits > extent.subjects(selector):
            unsupported["CSS selector"] += 1
        elif selector.pseudo_element is None and not selector.never_matches:
            extent.visits += visits
            spend(visits / 4 + ("[" in text) * extent.characters / 50, "CSS selectors")
            yield selector


def _cascade(element: Element, matches: list) -> None:
    """Set an element's style attribute: rules by layer and specificity, then its own, then important ones."""
    if not matches:
        return
    found = [(rule.layer, specificity, order, rule.declarations) for specificity, order, _, rule in matches]
    normal = [d for *_, declarations in sorted(found, key=lambda m: m[:3]) for d in declarations if not d[2]]
    found.sort(key=lambda m: (tuple(-v for v in m[0]), *m[1:3]))  # for important ones, the first layer wins
    important = [d for *_, declarations in found for d in declarations if d[2]]
    own = parse_declarations(element.get("style", ""))
    normal += [d for d in own if not d[2]]
    final = {name: value for name, value, _ in [*normal, *important, *(d for d in own if d[2])]}
    style = ";".join(f"{name}:{value}" for name, value in final.items())
    spend(10 + len(normal) / 2 + len(important) / 2 + len(style) / 20, "CSS declarations")
    element.set("style", style)


@dataclass
class _Reader:
    """Collects the rules that apply on a screen."""

    screen: Screen
    unsupported: Counter
    rules: list[_Rule] = field(default_factory=list)
    namespaces: dict = field(default_factory=dict)
    layers: dict[tuple[str, ...], Layer] = field(default_factory=dict)
    size: int = 0                # characters read

    def read(self, text: str) -> None:
        text = _EMBEDDED.sub("url(data:)", text)  # fonts, which may be large
        self.size += len(text)
        if self.size > MAX_CSS_CHARACTERS:
            raise ValueError(f"style sheets of more than {MAX_CSS_CHARACTERS:,} characters")
        spend(len(text), "style sheets")
        self._nodes(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True), (), [], 0)

    def _nodes(self, nodes: list, layer: tuple[str, ...], parent: list, depth: int) -> None:
        """Read rules, and declarations, which belong to the parent rule; parent: its selectors, if nested."""
        if depth > MAX_NESTING:
            self.unsupported["CSS nested too deeply"] += 1
            return
        if parent:
            self._add_rule(parent, valid_declarations(nodes), layer)
        for node in nodes:
            if node.type == "qualified-rule":
                prelude = _nested(parent, node.prelude) if parent else node.prelude
                self._nodes(_contents(node.content, prelude), layer, prelude, depth + 1)
            elif node.type == "at-rule":
                self._at_rule(node, layer, parent, depth)

    def _add_rule(self, prelude: list, declarations: list[Declaration], layer: tuple[str, ...]) -> None:
        declarations = [
            d for d in declarations if d[0] not in UNIT_DUE or is_length(d[1], True) or not is_length(d[1], False)
        ]
        if declarations:
            self.rules.append(_Rule(prelude, declarations, (*self._position(layer), _NO_LAYER)))

    def _at_rule(self, rule, layer: tuple[str, ...], parent: list, depth: int) -> None:
        keyword, prelude = rule.lower_at_keyword, rule.prelude
        if keyword == "layer":
            text = re.sub(r"\s", "", tinycss2.serialize(prelude))
            texts = text.split(",") if text else [f" {len(self.layers)}"]  # an unnamed layer is a new one
            names = [(*layer, *name.split(".")) for name in texts]
            for name in names:
                self._position(name)
            if rule.content is not None and len(names) == 1:
                self._nodes(_contents(rule.content, parent), names[0], parent, depth + 1)
        elif keyword in ("media", "supports") and rule.content is not None:
            holds = media_matches(prelude, self.screen) if keyword == "media" else supports_matches(prelude)
            if holds:
                self._nodes(_contents(rule.content, parent), layer, parent, depth + 1)
        elif keyword == "namespace":
            words = [token for token in prelude if token.type in ("ident", "string", "url")]
            if words and words[-1].type != "ident":
                self.namespaces[words[0].value if len(words) == 2 else None] = words[-1].value
        elif keyword == "property" and rule.content is not None:
            self._property(prelude, rule.content)
        elif keyword == "import":
            self.unsupported["external style sheet"] += 1
        elif keyword == "scope":
            self.unsupported["CSS @scope"] += 1

    def _property(self, prelude: list, content: list) -> None:
        """Read a registered custom property: its initial value has the lowest priority (Properties and Values 1)."""
        said = {node.lower_name: node.value for node in _contents(content, prelude) if node.type == "declaration"}
        names = [token.value for token in prelude if token.type == "ident" and token.value.startswith("--")]
        if names and "initial-value" in said:
            text = tinycss2.serialize(said["initial-value"]).strip()
            inherits = tinycss2.serialize(said.get("inherits", [])).strip().lower() == "true"
            where = tinycss2.parse_component_value_list(":root" if inherits else "*")
            self.rules.append(_Rule(where, [(names[0], text, False)], (-math.inf,)))

    def _position(self, name: tuple[str, ...]) -> Layer:
        """Position of a layer in order of appearance; sub-layers come before the rules of their own layer."""
        if not name:
            return ()
        if name not in self.layers:
            self.layers[name] = (*self._position(name[:-1]), float(len(self.layers)))
        return self.layers[name]


def _contents(tokens: list, parent: list) -> list:
    """Declarations and nested rules of a rule; only rules if there is no parent."""
    parse = tinycss2.parse_blocks_contents if parent else tinycss2.parse_rule_list
    return parse(tokens, skip_comments=True, skip_whitespace=True)


def _nested(parent: list, prelude: list) -> list:
    """Selectors of a nested rule: `&` is replaced by the parent's selector, or it is prepended (CSS Nesting 1)."""
    outer = f":is({tinycss2.serialize(parent).strip()})"
    selectors: list[list] = [[]]
    for token in prelude:
        selectors.append([]) if token == "," else selectors[-1].append(token)
    texts = [tinycss2.serialize(selector).strip() for selector in selectors]
    text = ",".join(text.replace("&", outer) if "&" in text else f"{outer} {text}" for text in texts)
    return tinycss2.parse_component_value_list(text[: 2 * MAX_SELECTOR_CHARACTERS])


def _flat(tokens: list) -> Iterator:
    """Tokens, including those inside brackets, with each function as one."""
    stack = [iter(tokens)]
    while stack:
        token = next(stack[-1], None)
        if token is None:
            stack.pop()
            continue
        yield token
        if token.type == "function":
            stack.append(iter(token.arguments))


def _steps(prelude: list) -> int:
    """Upper bound on the combinators and brackets in any one of the selectors."""
    steps = most = 0
    for token in _flat(prelude):
        moves = token.type in ("whitespace", "function") or token in _COMBINATORS
        steps = 0 if token == "," else steps + moves
        most = max(most, steps)
    return most


@dataclass
class _Extent:
    """Determines the cost of selectors: number of elements, depth, number of siblings, counts by name."""

    count: int
    depth: int
    width: int
    characters: int      # of all attributes
    names: Counter       # "#id", ".class", "tag" -> elements
    visits: float = 0.0  # by all selectors

    def subjects(self, selector: cssselect2.compiler.CompiledSelector) -> int:
        """Number of elements that the selector is tested on."""
        if selector.id is not None:
            return self.names[f"#{selector.id}"]
        if selector.class_name is not None:
            return self.names[f".{selector.class_name}"]
        return self.count if selector.local_name is None else self.names[selector.lower_local_name]

    def reach(self, prelude: list) -> int:
        """Number of others that each may be compared with, because of "a b", "a ~ b" and sibling counting."""
        tokens = [token for token in _flat(prelude) if token.type != "comment"]
        searches = sum(
            token.type == "whitespace" and before not in _COMBINATORS and after not in _COMBINATORS
            for before, token, after in zip(tokens, tokens[1:], tokens[2:])
        )
        names = [token.lower_name for token in tokens if token.type == "function"]
        names += [token.lower_value for token in tokens if token.type == "ident"]
        siblings = sum(token == "~" for token in tokens) + sum(
            name.startswith("nth-") or name.endswith("-of-type") for name in names
        )
        insides = names.count("has")
        return (
            self.depth ** min(searches, MAX_SELECTOR_STEPS) * self.width ** min(siblings, MAX_SELECTOR_STEPS)
            * self.count ** min(insides, MAX_SELECTOR_STEPS)
        )


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
