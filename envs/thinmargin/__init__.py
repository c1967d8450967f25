"""ThinMargin: a phone maker sells hardware near cost and earns later. A Gymnasium environment.

Importing the package registers its environments; `gymnasium.make("thinmargin:ThinMargin/Ecosystem-v1")`
imports and registers in one go, in worker processes too.
"""

from __future__ import annotations

from thinmargin.discounting import MONTHLY_DISCOUNT
from thinmargin.families import BENCHMARK
from thinmargin.registration import ENVIRONMENTS, register_environments

__version__ = "0.1.0"
__all__ = ["BENCHMARK", "ENVIRONMENTS", "MONTHLY_DISCOUNT", "__version__"]

register_environments()
