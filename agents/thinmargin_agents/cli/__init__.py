"""What command lines share: flags, files that they write, Markdown pages, the console, versions."""
