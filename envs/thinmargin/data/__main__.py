"""`python -m thinmargin.data` prints the shipped figures."""

from __future__ import annotations

import sys

from thinmargin.data.table import main

sys.exit(main())
