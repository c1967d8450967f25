"""Every equation of the model, once. One file a subject, one function a mechanism.

| module | equations |
| --- | --- |
| `cost_and_price` | experience curve, component prices, life of a model, list price |
| `demand` | adoption, replacement, choice, stickiness of owners, flows between firms |
| `marketing` | adstock, word of mouth, awareness, channel coverage |
| `loyalty` | fans, updates, engagement, imitation |
| `services` | monetisation by experience |
| `ventures` | start-up tickets, gestation, accessory catalogue, buying power |
| `supply` | forecast, production, stock-outs, capacity |
| `finance` | credit line, funding cost, tax, run-off value |
| `start` | the state of January 2012, brand constants inverted from start shares |
| `month` | one month in order: the only writer of state |

Symbols: firms i = 0..3 (the seat is 0), regions r = home, overseas; money RMB million, users and units
million, time months.
"""
