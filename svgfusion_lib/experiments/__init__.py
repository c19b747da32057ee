"""Benchmarks, recipes and auxiliary trainings that the method does not need; only the command line imports them."""
