"""A gallery for notebooks and as a page of its own: ask, look, take apart, recolour, vary, morph, take home.

    session      what is drawn, edited and remembered, without widgets; batches: what is asked for, and what comes of it
    icons        one icon: layers, edits, undo
    neighbours   training icons that look like it
    downloads    SVG, JSX, PNG, ZIP, contact sheet and sets as files and links
    markup       all HTML, every text escaped; gallery.css and gallery.js are its only style sheet and script
    worker       one thing at a time in the background, with Cancel
    controls, detail, app   the widgets
"""

from svgfusion_lib.gallery.app import Gallery
from svgfusion_lib.gallery.batches import Request
from svgfusion_lib.gallery.session import Session

__all__ = ["Gallery", "Request", "Session"]
