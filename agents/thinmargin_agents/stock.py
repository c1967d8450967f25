"""The earlier name of `python -m thinmargin_agents.import_sb3`, which goes on working."""

from thinmargin_agents.import_sb3 import main

if __name__ == "__main__":
    raise SystemExit(main())
