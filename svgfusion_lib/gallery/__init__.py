"""A gallery for notebooks and as a page of its own: ask, look, take apart, recolour, vary, morph, take home.

    session      what is drawn, edited and remembered, without widgets
    icons        one icon: layers, edits, undo
    neighbours   training icons that look like it
    downloads    SVG, PNG, ZIP and contact sheet as links
    markup       all HTML, every text escaped; gallery.css is its only style sheet
    worker       one thing at a time in the background, with Cancel
    controls, detail, app   the widgets
"""

from svgfusion_lib.gallery.app import Gallery
from svgfusion_lib.gallery.batches import Request
from svgfusion_lib.gallery.session import Session

__all__ = ["Gallery", "Request", "Session"]
