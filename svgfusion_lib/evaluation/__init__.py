"""How good drawings and reconstructions are: samples, metrics, report."""
