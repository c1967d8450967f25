"""Play a policy through many worlds at once, and what comes of it."""
