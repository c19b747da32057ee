"""The exceptions that are messages to the person at the keyboard."""


class UserError(Exception):
    """Something the user can put right: says what is wrong, which file, and what to do.

    The command line prints it as one line and exits with code 2; notebooks show it as it is.
    """


class Paused(Exception):
    """A training that has used up the minutes it was given; the same call continues it.

    The command line prints it as one line and exits with code 3.
    """
