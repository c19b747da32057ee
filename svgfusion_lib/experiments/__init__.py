"""Studies and trainings of a kind that the method itself does not need; nothing imports them but the command line."""
