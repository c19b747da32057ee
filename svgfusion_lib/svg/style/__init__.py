"""Declared and computed styles: values, colours, transforms, the cascade, style sheets, conditions."""
