"""System layer: atomic file writes, locks, processes, progress."""
