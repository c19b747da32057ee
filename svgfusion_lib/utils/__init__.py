"""Representation, data, diffusion, training: everything that is not a network."""
