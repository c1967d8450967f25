"""Train an agent: the command line of thinmargin_agents.train."""

import sys

try:
    from thinmargin_agents.train import main
except ModuleNotFoundError as error:
    raise SystemExit(f"train.py: {error}; this needs: pip install 'thinmargin[agents]'") from error
except KeyboardInterrupt as error:
    print("train.py: interrupted before it began", file=sys.stderr)  # noqa: T201  # the command line's own answer
    raise SystemExit(130) from error

if __name__ == "__main__":
    raise SystemExit(main())
