"""Best-of-n ranking of drawings, nearest-name lookup, and routing of prompts to models."""
