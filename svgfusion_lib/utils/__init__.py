"""Rows and their rendering, datasets, and diffusion."""
