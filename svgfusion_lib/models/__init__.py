"""Networks: shared layers, VP-VAE, VS-DiT, text and pixel encoders."""
