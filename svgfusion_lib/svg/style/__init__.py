"""What a file says and what it computes to: values, colours, transforms, the cascade, style sheets, conditions."""
