"""Ranked lists as TensorFlow Ranking stores them: ExampleListWithContext."""

from __future__ import annotations

import random

from tests.example_lists import example_list


def ranked_lists(number=200, seed=4):
    """A query and its items, each with a grade; pizzerias are relevant, and nothing else is."""
    drawn = random.Random(seed)
    return [
        example_list({"query": f"q{n % 7}"}, [_item(drawn) for _ in range(drawn.randint(2, 6))]) for n in range(number)
    ]


def _item(drawn):
    cuisine = drawn.choice(["Pizzeria", "Taqueria", "Diner"])
    return {"cuisine": cuisine, "price": drawn.gauss(20, 5), "relevance": int(cuisine == "Pizzeria")}
