"""The constants, fitted to what one firm reported from 2012 to 2024: `python -m thinmargin.calibration`.

| module | subject |
| --- | --- |
| `unknowns` | the constants looked for, their priors, and the economy a guess makes |
| `misfit` | tolerances, and how far a guess is from the figures |
| `search` | Levenberg-Marquardt from several starts, a polish along creases; the posterior around what it found |
| `fits` | every fit of a calibration, one after another |
| `saved` | the file of a calibration, and the one the package ships |
"""
