"""What the notebooks share: running, cleaning, and helpers for their cells."""
