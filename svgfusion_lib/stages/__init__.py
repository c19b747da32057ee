"""One function per pipeline stage, called alike by its notebook and by its command."""
