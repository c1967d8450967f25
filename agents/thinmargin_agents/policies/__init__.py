"""From a name on the command line to who plays."""
