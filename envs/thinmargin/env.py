"""The environment for one firm at a time. A shell: no arithmetic happens here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded

from thinmargin.infos import MAKERS, Info, check_info
from thinmargin.records import BN, LEVER_NAMES
from thinmargin.settings import (
    SCORED,
    Closing,
    Reward,
    Settings,
    check_choices,
    check_numbers,
    check_options,
    check_render_mode,
    check_seed,
    closing_rule,
    discrete_actions,
    generator_from,
    observation_space,
)
from thinmargin.shown import shown
from thinmargin.simulation import BANKRUPT, RUNNING
from thinmargin.splits import Split, keys_of
from thinmargin.versions import VERSION, check_state
from thinmargin.worlds import World


class EcosystemEnv(gymnasium.Env[npt.NDArray[np.float32], Any]):
    """A phone maker sells hardware near cost and earns later; each step is a month.

    ## Description
    The agent runs one of four phone makers, from January 2012 on. Each month it sets a price, funds accessory
    start-ups, spends on selling and releases software updates. Phones sold near cost win users; users who like what
    they get become fans, who recommend the phone, find bugs and buy again; users bring services revenue at once and
    accessory revenue when the start-ups deliver, three to four years later. Three rivals with the same mechanics and
    strategies of their own answer. The mechanisms follow press accounts of Xiaomi's business model; the constants
    come from reported figures, studies and judgement.

    The constants of the market and the shocks of all months follow from one key, drawn at `reset`: the hidden world.
    Nothing is random afterwards and nothing drawn depends on what is done.

    ## Action Space
    `Box(-1, 1, (4,), float32)`: a number a for each lever, mapped to what the firm asks for. Finite numbers beyond
    [-1, 1] are cut to it; a number that is not finite, or another shape, is an error and changes nothing. The markup is
    over unit cost at the normal price of components, which are passed on in RMB, most of them at once and the rest
    within about a year. It moves towards what was asked by at most four points a month; the other levers are applied at
    once. Trailing revenue, a smoothed one to which a floor is added, is the base of both spending shares.

    | Num | Lever | Min | Max | Map | Meaning |
    | --- | --- | --- | --- | --- | --- |
    | 0 | price | -0.2 | 0.6 | 0.20 + 0.40 a | target hardware markup [markup over normal unit cost] |
    | 1 | accessories | 0 | 0.1 | 0.10 ((a + 1) / 2)^2 | tickets for accessory start-ups [share of trailing revenue] |
    | 2 | marketing | 0 | 0.3 | 0.30 ((a + 1) / 2)^2 | selling and marketing spend [share of trailing revenue] |
    | 3 | updates | 0.25 | 8 | 0.25 * 32^((a + 1) / 2) | software update cadence [releases a month] |

    With `discrete=True` the action space is `Discrete(288)`: the product of these levels, the last lever fastest.

    | Lever | Levels | Unit |
    | --- | --- | --- |
    | price | -0.05, 0, 0.05, 0.1, 0.2, 0.35 | markup over normal unit cost |
    | accessories | 0, 0.004, 0.015, 0.04 | share of trailing revenue |
    | marketing | 0.01, 0.03, 0.08, 0.2 | share of trailing revenue |
    | updates | 1, 2.5, 4.33 | releases a month |

    ## Observation Space
    `Box` of float32, shape (32,): the firm's own books, a market report and the calendar, never the hidden world.
    Each number is scaled to order one as its unit says and cut to its range. `docs/environment.md` says what each is.

    | Num | Observation | Min | Max | Unit |
    | --- | --- | --- | --- | --- |
    | 0 | time | 0 | 1 | month / horizon |
    | 1 | model_age | 0 | 1 | months / 12 |
    | 2 | users_home | 0 | 1 | m / (m + 100) |
    | 3 | users_overseas | 0 | 1 | m / (m + 100) |
    | 4 | fans | 0 | 2 | share x 2 |
    | 5 | engagement | 0 | 2 | index |
    | 6 | share_home | 0 | 4 | share x 4 |
    | 7 | share_overseas | 0 | 4 | share x 4 |
    | 8 | markup | -1 | 2 | share x 2 |
    | 9 | unit_cost | -2 | 4 | 2 x (ratio - 1) |
    | 10 | component | -4 | 4 | log x 4 |
    | 11 | rival_price | -2 | 4 | 2 x (ratio - 1) |
    | 12 | market | -1 | 4 | m units a month / 40 - 1 |
    | 13 | fill_rate | 0 | 1 | share |
    | 14 | capacity | -1 | 2 | ratio - 1 |
    | 15 | inventory | 0 | 2 | months / 4 |
    | 16 | cash | -1 | 1 | RMB bn: c / (abs(c) + 5) |
    | 17 | headroom | -1 | 1 | h / (abs(h) + 1) |
    | 18 | revenue | 0 | 1 | RMB m a month: R / (R + 5000) |
    | 19 | profit | -1 | 1 | RMB bn: x / (abs(x) + 1) |
    | 20 | services_per_user | 0 | 6 | RMB a year / 100 |
    | 21 | accessories_per_user | 0 | 6 | RMB a year / 300 |
    | 22 | breadth | 0 | 1 | B / (B + 10) |
    | 23 | pipeline | 0 | 1 | P / (P + 10) |
    | 24 | coverage_home | 0 | 1 | share |
    | 25 | coverage_overseas | 0 | 1 | share |
    | 26 | adstock | 0 | 1 | RMB m: G / (G + 300) |
    | 27 | retention | 0 | 1 | share |
    | 28 | own_price | -1 | 2 | share x 2 |
    | 29 | own_accessories | 0 | 1 | share x 10 |
    | 30 | own_marketing | 0 | 1 | share / 0.3 |
    | 31 | own_updates | 0 | 1 | releases / 8 |

    ## Rewards
    The month's profit after tax, less what was paid for stock (nothing, by default), in RMB 10 bn. In the closing month
    the closing value is added: what the firm is worth then, which is the discounted profit of 60 further months without
    shocks plus the run-off value of the users left, never below zero. What the firm does in those months is the rule
    `closing`: it goes on with the mean of its own levers of the last twelve months, which are observed. Use
    `thinmargin.MONTHLY_DISCOUNT` (10 % a year) as gamma; it is the discount inside the closing value too.
    `reward="shaped"` adds gamma Phi(s') - Phi(s), where Phi is the run-off value of the firm's users under the law on
    services that has been seen: the same best policies, less delay. The terms are in `info["reward_terms"]` and sum to
    the reward. `closing_value(rule)` prices the firm in any month, under any rule.

    ## Starting State
    An entrant in January 2012: a small web shop at home with few users, little cash and one factory line, and a few
    accessories; overseas opens in its third year. Its constants and those of its rivals are in `docs/model.md`. The
    first observation is the report before the first month, when nothing has been sold.

    ## Episode End
    Termination: debt at the end of the month exceeds the credit line, which is bankruptcy and pays no closing value;
    or, with a closing rule that pays, the month is number `horizon`. The share of the horizon gone is observed.

    Truncation: with `closing="none"` month number `horizon` truncates; the firm goes on, the record does not.

    ## Information
    - `books`: profit-and-loss statement, balance, users and market report of the month, by name, in RMB million,
      million users and million phones; the names are in `docs/environment.md`.
    - `levers`: `{"asked": {lever: value}, "applied": {lever: value}}` in the units of the table of levers.
    - `reward_terms`: `profit_term`, `closing_term`, `shaping_term` in RMB 10 bn.
    - `world`: the key of the episode's world; `reset(options={"world": key})` plays it again.

    `books`, `levers` and `reward_terms` are dictionaries that are filled when something is asked of them.

    The info of `reset` has the same entries: nothing asked or paid, and the markup of the start as the price applied.

    ## Arguments
    - `worlds`: the family the hidden worlds come from, of the table below.
    - `reward`: `"profit"` or `"shaped"`.
    - `closing`: what goes on behind the horizon and prices the firm. `"own_levers"`, the scored rule: the mean of each
      lever as it was applied in the last twelve months, or in all months of a shorter episode. `"playbook"`: a fixed
      closing playbook with a markup of 39 %, as in v0. `"none"`: nothing is paid, and the last month truncates.
    - `horizon`: months in an episode, 1 to 600.
    - `split`: the range that world keys are drawn from: `train`, `validation` or `test`.
    - `parameters`: constants to replace, `{name: value}`; see `thinmargin.parameters.Parameters`. In families with
      hidden worlds the hidden constants are drawn around the given value; `calibrated` takes it as it is, and so
      does `one_state`, but for `services_half` and `forecast_months`.
    - `discrete`: whether actions are indices of the grid.
    - `render_mode`: `"ansi"` (the month as text), `"rgb_array"` (the episode as a picture, 800 x 1200 x 3), `"human"`
      (a window) or None.
    - `info`: `"full"` has the four entries above; `"plain"` has them as ordinary dictionaries filled at once, for code
      that looks for exactly `dict` (once JAX or Minari is loaded, which do, `"full"` is the same); `"lean"` has
      `world` alone.

    | `worlds` | Environment id | Held out |
    | --- | --- | --- |
    | `benchmark` | `ThinMargin/Ecosystem-v1` | no |
    | `calibrated` | `ThinMargin/EcosystemCalibrated-v1` | no |
    | `one_state` | `ThinMargin/EcosystemOneState-v1` | no |
    | `price_war` | `ThinMargin/PriceWar-v1` | yes |
    | `component_shortage` | `ThinMargin/ComponentShortage-v1` | yes |
    | `demand_slump` | `ThinMargin/DemandSlump-v1` | yes |
    | `services_clampdown` | `ThinMargin/ServicesClampdown-v1` | yes |
    | `entrant_clone` | `ThinMargin/EntrantClone-v1` | yes |

    ```python
    import gymnasium as gym

    env = gym.make("thinmargin:ThinMargin/Ecosystem-v1", reward="shaped", split="validation")
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
    ```

    ## Vectorized environment
    `gymnasium.make_vec(id, num_envs=n)` gives `thinmargin.vector.EcosystemVectorEnv`, which takes the same arguments
    and steps all firms in one compiled call, with autoreset in the same step. Environment i, seeded with seed + i,
    equals this class bit for bit.

    ## Version History
    - v1: another economy, and no number of v0 can be compared with it; `docs/versions.md` says why every result moved.
      A part of the markets abroad lists the entrant, no more. The markup is over normal cost and dear components are
      passed on in RMB, so that nobody gains by them; owners wait when phones are dear. The range sold abroad gets
      cheaper. Advertising counts by its share of voice. Research and the margin on services grow. The closing value is
      that of the firm's own levers, which four more observations show. Worlds follow from their keys by a
      counter-based generator. The ids of v0 are gone.
    - v0: first release.

    ## References
    - Bass, F. M. (1969). A new product growth model for consumer durables. Management Science 15(5).
    - Guadagni, P. M. and Little, J. D. C. (1983). A logit model of brand choice. Marketing Science 2(3).
    - Berry, S. T. (1994). Estimating discrete-choice models of product differentiation. RAND Journal of Economics
      25(2).
    - Broadbent, S. (1979). One way TV advertisements work. Journal of the Market Research Society 21(3).
    - Gordon, B. R. (2009). A dynamic model of consumer replacement cycles in the PC processor industry. Marketing
      Science 28(5).
    - Irwin, D. A. and Klenow, P. J. (1994). Learning-by-doing spillovers in the semiconductor industry. Journal of
      Political Economy 102(6).
    - Jones, J. P. (1990). Ad spending: maintaining market share. Harvard Business Review 68(1).
    - Nakamura, E. and Zerom, D. (2010). Accounting for incomplete pass-through. Review of Economic Studies 77(3).
    - Ng, A. Y., Harada, D. and Russell, S. (1999). Policy invariance under reward transformations. ICML.
    - Reibstein, D. J. and Farris, P. W. (1995). Market share and distribution: a generalization, a speculation,
      and some implications. Marketing Science 14(3).
    - Press accounts of Xiaomi's business model, 2012 to 2019.
    """

    metadata = {  # noqa: RUF012  # the base class types it as an instance variable
        "render_modes": ["human", "rgb_array", "ansi"],
        "render_fps": 12,
    }

    def __init__(
        self,
        worlds: str = "benchmark",
        reward: Reward = "profit",
        closing: Closing = SCORED,
        horizon: int = 180,
        split: Split = "train",
        parameters: Mapping[str, Any] | None = None,
        discrete: bool = False,
        render_mode: str | None = None,
        info: Info = "full",
    ) -> None:
        self.settings = Settings(worlds, reward, closing, horizon, split, parameters, discrete)
        check_render_mode(render_mode, self.metadata["render_modes"])
        check_info(info)
        self._make_info = MAKERS[info]
        self.render_mode = render_mode
        self.action_space = self.settings.action_space()
        self.observation_space = observation_space()  # type: ignore[assignment]  # a Box of float32
        self._family = self.settings.family()
        self._keys = keys_of(split)
        self._batch = self.settings.batch(1)
        self._actions = np.zeros((1, len(LEVER_NAMES)))
        self._grid = discrete_actions() if discrete else None
        self._running = False
        self._world = 0
        self._history: list[np.record] = []
        self._window: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Draw a world and go back to January 2012.

        Args:
            seed: seeds the generator that draws world keys.
            options: `{"world": key}` or `{"world": World}` plays that world instead of a drawn one.

        Returns:
            The first observation, float32 of shape (32,), and info with the entries of `step`.

        Raises:
            ValueError, TypeError: an unknown option, or something that is no world key or seed; nothing changes.
            gymnasium.error.Error: a negative seed; nothing changes.
        """
        world = check_options(options, self.settings.horizon)
        if isinstance(world, list):
            raise TypeError(f"reset option world is {shown(world)}: must be one key or World")
        super().reset(seed=check_seed(seed))
        if world is None:
            world = int(self.np_random.integers(self._keys.start, self._keys.stop))
        if isinstance(world, World):
            self._batch.put(0, world)
        else:
            self._batch.draw(0, self._family, world)
        self._world = int(self._batch.keys[0])
        self._batch.begin(np.zeros(1, np.int64))
        self._running = True
        self._history = []
        self._remember()
        return self._observation(), self._make_info(self._batch.report_numbers.tobytes(), self._world)

    def step(self, action: Any) -> tuple[npt.NDArray[np.float32], SupportsFloat, bool, bool, dict[str, Any]]:
        """Run one month.

        Args:
            action: four numbers in [-1, 1] (finite numbers beyond are cut to it), or a grid index.

        Returns:
            Observation, reward in RMB 10 bn, terminated, truncated, info.

        Raises:
            ValueError, TypeError: wrong shape, type or a number that is not finite; nothing changes.
            gymnasium.error.ResetNeeded: called before `reset` or after the end.
        """
        if not self._running:
            raise ResetNeeded("step needs a running episode: call reset first")
        if self._grid is not None:
            self._actions[0] = self._grid[check_choices(action, (), len(self._grid))]
        else:
            self._actions[0] = check_numbers(action, (len(LEVER_NAMES),))
        batch = self._batch
        batch.step(self._actions)
        terminated = truncated = False
        end = batch.ends.item()
        if end != RUNNING:
            self._running = False
            terminated = end == BANKRUPT or self.settings.pays_closing
            truncated = not terminated
        if self.render_mode is not None:
            self._remember()
        info = self._make_info(batch.report_numbers.tobytes(), self._world)
        return batch.observations[0].copy(), batch.rewards.item(), terminated, truncated, info

    def _observation(self) -> npt.NDArray[np.float32]:
        observation: npt.NDArray[np.float32] = self._batch.observations[0].copy()
        return observation

    def _remember(self) -> None:
        if self.render_mode is not None:
            self._history.append(self._batch.reports[0].copy())
            if self.render_mode == "human":
                self.render()

    def render(self) -> Any:
        """The month as text (`ansi`), the episode as a picture (`rgb_array`), or a window (`human`)."""
        if self.render_mode is None:
            gymnasium.logger.warn("render needs a render_mode: gymnasium.make(id, render_mode='rgb_array')")
            return None
        if not self._history:
            raise ResetNeeded("render needs a running episode: call reset first")
        from thinmargin import rendering  # noqa: PLC0415  # pictures are only paid for when drawn

        if self.render_mode == "ansi":
            return rendering.month_as_text(self._history)
        if self.render_mode == "rgb_array":
            return rendering.episode_as_picture(self._history)
        if self._window is None:
            self._window = rendering.Window()
        self._window.show(self._history)
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def closing_value(self, rule: Closing) -> float:
        """Worth of the firm, RMB bn, if its episode closed with the month just run; nothing changes.

        In month number `horizon` it is what the closing term of the reward pays under that rule. A firm that went
        bankrupt is priced as if it went on, though its reward pays no closing value.

        Args:
            rule: one of `closing`: `"own_levers"`, `"playbook"` or `"none"`, which is worth 0.

        Raises:
            ValueError: no such rule.
            gymnasium.error.ResetNeeded: no month has been run since `reset`.
        """
        number = closing_rule("rule", rule)
        if self._batch.states["month"][0] < 1.0:
            raise ResetNeeded("closing_value needs a month that has been run: call reset, then step")
        return float(self._batch.closing_values(np.zeros(1, np.int64), number)[0]) / BN

    def get_state(self) -> dict[str, Any]:
        """Everything that decides what comes next: plain arrays and the generator's state."""
        return {
            **self._batch.saved(),
            "version": VERSION,
            "running": self._running,
            "generator": self.np_random.bit_generator.state,
        }

    def set_state(self, state: Mapping[str, Any]) -> npt.NDArray[np.float32]:
        """Go back to a state of `get_state` and return its observation; a foreign one is a ValueError."""
        if not isinstance(state, Mapping):
            raise ValueError(f"state is {shown(state)}: must be what get_state returned")
        check_state(state)
        if not isinstance(state.get("running"), bool):
            raise ValueError(
                f"state['running'] is {shown(state.get('running'))}: must be True or False, as of get_state"
            )
        generator = generator_from("generator", state.get("generator"))
        self._batch.restore(state, np.array([state["running"]]))
        self.np_random = generator
        self._running = state["running"]
        self._world = int(self._batch.keys[0])
        self._history = []
        self._remember()
        return self._observation()
