"""Makes visits.csv: visits to a shop, one row per page, with a seed. python examples/rows/make_visits.py

Whether a visit ends with a purchase depends on the order of its pages: a cart after a product, and no return after it.
"""

from __future__ import annotations

import csv
import datetime
import random
import sys
from pathlib import Path

VISITORS, SEED = 320, 7
PAGES = ("home", "search", "product", "cart", "help", "returns")
START = datetime.datetime(2024, 3, 1, tzinfo=datetime.timezone.utc)


def visits(seed: int = SEED) -> list[dict[str, object]]:
    """All rows, in the order of time."""
    draw, rows = random.Random(seed), []
    for visitor in range(VISITORS):
        moment = START + datetime.timedelta(minutes=draw.randrange(20_000))
        country = draw.choice(("NO", "DE", "FR"))
        for _ in range(draw.randint(1, 4)):
            moment += datetime.timedelta(hours=draw.uniform(8, 60))
            pages = [draw.choice(PAGES) for _ in range(draw.randint(3, 12))]
            bought = buys(pages)
            for page in pages:
                moment += datetime.timedelta(seconds=draw.randint(2, 240))
                rows.append(
                    {
                        "visitor_id": f"v{visitor:04d}",
                        "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
                        "page": page,
                        "seconds": round(draw.lognormvariate(3, 1), 1),
                        "country": country,
                        "label": "bought" if bought else "left",
                    }
                )
    return sorted(rows, key=lambda row: (str(row["time"]), str(row["visitor_id"])))


def buys(pages: list[str]) -> bool:
    """Whether there is a cart after a product, and no return after that."""
    wants = has_cart = False
    for page in pages:
        wants = wants or page == "product"
        has_cart = (has_cart or (wants and page == "cart")) and page != "returns"
    return has_cart


def main(path: Path) -> None:
    """Writes the file."""
    rows = visits()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0]], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("visits.csv"))
