"""Best of n: which drawing shows its prompt best, and the nearest name that a model knows."""
