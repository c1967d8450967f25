"""A comparison as one HTML page that opens without a network: `python evaluate.py --html report.html`.

| room | subject |
| --- | --- |
| `page` | the whole page: every section from the results to `report.html.jinja` |
| `cast` | who is on the page: names, labels, one colour a policy, who is compared with whom |
| `look` | one look for every picture, and figures as SVG that stands inside HTML |
| `words` | numbers as they are printed, names as they fit into a picture |
| `gaps` | how far two policies are apart, world by world |
| `headline` | who wins by how much, in plain sentences |
| `leaderboard` | the table of policies with its bars |
| `spread` | J over worlds: ridges, curves, pairs, the performance profile |
| `years` | what policies do and what comes of it, year by year |
| `waterfall` | from one policy's J to another's, line by line of the statement |
| `responses` | what a policy does when one thing it observes changes |
| `response_charts` | the pictures of these answers |
| `stress` | worlds in which something breaks |
| `realism` | the back-test |
| `glossary` | the terms of the page |
"""

from thinmargin_agents.report.page import html_report

__all__ = ["html_report"]
