"""The flags of every stage, and the call that runs it; nothing heavy is imported before it runs."""
