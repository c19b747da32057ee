"""Paths and shapes, dashes, and boolean operations on outlines."""
