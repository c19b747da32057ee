"""Rows and pictures of them, datasets, and diffusion."""
