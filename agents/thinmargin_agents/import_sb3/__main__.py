"""`python -m thinmargin_agents.import_sb3 model.zip --algo ppo --output FOLDER`."""

from __future__ import annotations

from thinmargin_agents.import_sb3 import main

if __name__ == "__main__":
    raise SystemExit(main())
