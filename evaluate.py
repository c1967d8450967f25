"""Compare policies on unseen worlds: the command line of thinmargin_agents.evaluate.command."""

try:
    from thinmargin_agents.evaluate.command import main
except ModuleNotFoundError as error:
    raise SystemExit(f"evaluate.py: {error}; this needs: pip install 'thinmargin[agents]'") from error

if __name__ == "__main__":
    raise SystemExit(main())
