"""Training: the shared loop, the losses, and the training stages of each model."""
