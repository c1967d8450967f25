"""Train an agent: the command line of thinmargin_agents.train."""

try:
    from thinmargin_agents.train import main
except ModuleNotFoundError as error:
    raise SystemExit(f"train.py: {error}; this needs: pip install 'thinmargin[agents]'") from error

if __name__ == "__main__":
    raise SystemExit(main())
