"""Evaluation of samples and reconstructions: metrics, baselines, report."""
