"""Run folders: the files of a training, written and read again."""
