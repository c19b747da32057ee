"""Where captioned SVGs come from: icon packs, synthetic shapes, any folder."""
