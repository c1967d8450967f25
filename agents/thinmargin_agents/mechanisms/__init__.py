"""What each mechanism of the model is worth: J with it and without it, levers fixed and levers re-tuned."""
