"""One run, from its configuration to a trained policy in its folder."""
