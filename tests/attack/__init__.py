"""Attacks: mutated records, frames, specs, requests and models, of which every route must answer, refuse or count each.

`make attack` runs them in minutes; `make attack HOURS=2` continues for two hours, with other seeds in every round.
"""
