"""History replayed and compared with what was reported: `python -m thinmargin.backtest`.

| module | subject |
| --- | --- |
| `forecasts` | the two naive forecasts every model has to beat |
| `errors` | errors of one series in some years |
| `results` | the whole back-test: fit years, hold-out, forecasts from the past, bands, later periods |
| `elasticity` | elasticities to price, measured by perturbing history, and to advertising |
| `goals` | what the model is asked to reach, and whether it does |
| `table` | the result as text |
| `picture` | the result as a picture |
"""
