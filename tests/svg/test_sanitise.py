"""Pure drawing is kept and looks the same; code and external references are removed."""

import pytest

from svgfusion_lib.svg.sanitise import sanitised_svg
from svgfusion_lib.utils.render import RENDERERS

KEPT = (
    '<defs><linearGradient id="g"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient></defs>'
    '<rect width="20" height="20" fill="url(#g)"/><path d="M2 2h9v9z" style="fill: url( \'#g\' )"/>',
    '<symbol id="s" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></symbol><use xlink:href="#s" width="20"/>',
    '<style>.a { fill: green } path.a:not(.b) { stroke: red }</style><path class="a" d="M2 2h19v9z"/>',
    '<a href="https://example.org/"><path d="M2 2h19v9z"/></a><!-- a note --><text x="2" y="20">Text</text>',
    '<clipPath id="c"><circle cx="9" cy="9" r="8"/></clipPath><rect clip-path="url(#c)" width="24" height="24"/>',
    '<filter id="f"><feGaussianBlur stdDeviation="1"/></filter><rect x="4" width="9" height="9" filter="url(#f)"/>',
)


@pytest.mark.parametrize("body", KEPT)
def test_what_only_draws_looks_the_same(svg, body):
    text = svg(body)
    clean = sanitised_svg(text)
    assert sanitised_svg(clean) == clean and "example.org" not in clean and "<!--" not in clean
    pictures = [RENDERERS["resvg"](each, 96) for each in (text, clean)]
    assert (pictures[0] == pictures[1]).all()


@pytest.mark.parametrize("body", [
    '<ScRiPt>x()</ScRiPt>', '<x:script xmlns:x="http://www.w3.org/2000/svg">x()</x:script>',
    '<path onLoad="x()"/>', '<a href="javascript:x()"/>', '<a xlink:href=" java&#10;script:x()"/>',
    '<animate attributeName="href" to="javascript:x()"/>', '<image href="data:image/svg+xml,x()"/>',
    '<image href="DATA:text/html,x()"/>', '<use href="x().svg#a"/>', '<feImage href="x()"/>',
    '<style>@import "x()";</style>', '<style>p { fill: url("x()") }</style>', '<style>p { fill: \\75rl(x()) }</style>',
    '<path style="fill:url(x())"/>', '<path cursor="image-set(\'x()\' 1x)"/>', '<iframe src="x()"/>',
    '<h:body xmlns:h="http://www.w3.org/1999/xhtml" onload="x()"/>', '<path xml:base="x()"/>',
    '<path xmlns:e="http://www.w3.org/2001/xml-events" e:event="load" e:handler="x()"/>',
    '<path style="behavior:url(x())"/>', '<?xml-stylesheet href="x()"?>',
])
def test_what_runs_or_fetches_goes(svg, body):
    clean = sanitised_svg(svg(body + '<path d="M2 2h9v9z"/>'))
    assert "x()" not in clean and 'd="M2 2h9v9z"' in clean
