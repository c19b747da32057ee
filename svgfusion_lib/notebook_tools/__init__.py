"""Tools for the notebooks: running, cleaning, and helpers for their cells."""
