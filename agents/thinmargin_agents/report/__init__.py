"""A comparison as one HTML page that opens without a network: `python evaluate.py --html report.html`.

| module | subject |
| --- | --- |
| `page` | the whole page: every section from the results to `report.html.jinja` |
| `roles` | the policies of the page: names, labels, one colour a policy, which ones are compared |
| `style` | one style for every picture, figures as SVG that stands inside HTML, and the values that it tells |
| `words` | numbers as they are printed, names as they fit into a picture |
| `sections.gaps` | paired differences between two policies, world by world |
| `sections.headline` | the winner and its margin, in plain sentences |
| `sections.answer` | what the best policy does over the years, and where its money comes from |
| `sections.leaderboard` | the table of policies with its bars |
| `sections.closing` | J under three closing rules |
| `sections.spread` | J over worlds: ridges, curves, pairs, the performance profile |
| `sections.years` | decisions and results of policies, year by year |
| `sections.waterfall` | from one policy's J to another's, line by line of the statement |
| `sections.responses` | responses of a policy to one observed feature |
| `sections.response_charts` | the pictures of these responses |
| `sections.stress` | worlds in which something breaks |
| `sections.realism` | the back-test |
| `sections.best_known` | how the best known plans were found |
| `sections.glossary` | the terms of the page |
"""

from thinmargin_agents.report.page import html_report

__all__ = ["html_report"]
