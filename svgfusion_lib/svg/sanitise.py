"""Remove everything from SVG files that a browser would run or fetch: scripts, handlers, links, animation, URLs."""

import re
from pathlib import Path
from xml.etree import ElementTree

from svgfusion_lib.svg.document import SVG_NAMESPACE, XLINK_HREF, local_name, read_document

_ELEMENTS = frozenset(
    "a circle clipPath defs desc ellipse filter g image line linearGradient marker mask metadata path pattern polygon"
    " polyline radialGradient rect stop style svg switch symbol text textPath title tspan use view".split()
)
_ADDRESS = re.compile(r"#|data:image/(png|jpeg|gif|webp)[;,]", re.IGNORECASE)
# In attributes and style sheets: URLs other than #id, escapes that could hide one, and scripts.
_FOREIGN = re.compile(r"url\((?!\s*[\"']?#)|@import|\\|//|script:|expression\(|image(-set)?\(|src\(", re.IGNORECASE)


def sanitised_svg(source: str | bytes | Path) -> str:
    """The document's text with only harmless elements, attributes and style sheets. ValueError as read_document.

    Keeps references within the document (`#id`) and embedded images.
    """
    root = read_document(source)
    _clean(root)
    root.set("xmlns", SVG_NAMESPACE[1:-1])
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _clean(element: ElementTree.Element) -> None:
    for child in [*element]:
        name = local_name(child)
        fe = name.startswith("fe") and name != "feImage"
        if (name in _ELEMENTS or fe) and not (name == "style" and _FOREIGN.search("".join(child.itertext()))):
            _clean(child)
        else:
            element.remove(child)
    element.tag = local_name(element)
    for name, value in [*element.attrib.items()]:
        del element.attrib[name]
        if name.lower() == "href" or name == XLINK_HREF:  # HTML ignores case
            keep = element.tag != "a" and _ADDRESS.match(value.strip()) is not None
        else:
            keep = "}" not in name and not name.lower().startswith("on") and _FOREIGN.search(value) is None
        if keep:
            element.set("href" if name == XLINK_HREF else name, value)
