"""The machine: files that are whole or absent, locks, processes, progress."""
