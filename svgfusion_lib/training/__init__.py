"""Training: the loop, the losses, and what each of the two models learns from."""
