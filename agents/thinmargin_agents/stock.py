"""The earlier name of `python -m thinmargin_agents.import_sb3`, which still works."""

from thinmargin_agents.import_sb3 import main

if __name__ == "__main__":
    raise SystemExit(main())
