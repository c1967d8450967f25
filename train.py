"""Train an agent: the command line of thinmargin_agents.training."""

from thinmargin_agents.training import main

if __name__ == "__main__":
    raise SystemExit(main())
