"""From a name on the command line to the policies that play."""
