"""Compare policies on unseen worlds: `python evaluate.py --help`."""

from thinmargin_agents.evaluation import main

if __name__ == "__main__":
    raise SystemExit(main())
