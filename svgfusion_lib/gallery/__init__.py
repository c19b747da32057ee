"""The gallery, for notebooks or as a standalone page: draw, inspect layers, recolour, vary, morph, download.

    session      drawing, editing and history, without widgets; batches: requests and their results
    icons        one icon: layers, edits, undo
    neighbours   the most similar training icons
    downloads    SVG, JSX, PNG, ZIP, contact sheets and sets as files and links
    markup       all HTML, with all text escaped; gallery.css and gallery.js are the only style sheet and script
    worker       runs one job at a time in the background, with Cancel
    controls, detail, app   the widgets
"""

from svgfusion_lib.gallery.app import Gallery
from svgfusion_lib.gallery.batches import Request
from svgfusion_lib.gallery.session import Session

__all__ = ["Gallery", "Request", "Session"]
