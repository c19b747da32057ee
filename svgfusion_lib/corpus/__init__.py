"""Captioned SVGs from icon packs, synthetic shapes or any folder, prepared for training."""
