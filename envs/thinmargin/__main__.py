"""`python -m thinmargin` lists every command and runs one, as the console script `thinmargin` does."""

from __future__ import annotations

import sys

from thinmargin.commands import main

sys.exit(main())
