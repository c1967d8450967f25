"""Common code of the command lines: flags, output files, Markdown pages, the console, versions, pools of processes."""
