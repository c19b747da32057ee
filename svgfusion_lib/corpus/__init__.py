"""Captioned SVGs, from icon packs, synthetic shapes or any folder, made ready to train on."""
