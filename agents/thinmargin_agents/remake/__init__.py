"""Everything that hangs on the economics, made anew in order: `python -m thinmargin_agents.remake`.

| module | what is in it |
| --- | --- |
| `table` | the stages of this package: their commands, what they need and make, their bounds |
| `stage` | a stage, and which of them a command line chooses |
| `state` | the file that remembers what has been made, of what |
| `session` | one stage after the other, those that are up to date passed over |
| `process` | one command with a bound, ended with everything that it started; `guard` stands between |
| `display` | progress on stderr, the list of stages, the commands of a dry run |
"""
