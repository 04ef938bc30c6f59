"""`make bench`: run the scenarios and print what they cost. `--json` is for machines."""

from __future__ import annotations

import argparse
import json

from tests.bench import client, listing, scrape

#: Each has a NAME, `measure(...)` and `table(result)`.
SCENARIOS = (client, listing, scrape)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = [scenario.NAME for scenario in SCENARIOS]
    parser.add_argument("scenario", nargs="*", help=f"which ones: {', '.join(names)} (left out: all)")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each scenario")
    given = parser.parse_args()
    if unknown := set(given.scenario) - set(names):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    for scenario in SCENARIOS:
        if not given.scenario or scenario.NAME in given.scenario:
            result = scenario.measure()
            print(json.dumps(result) if given.json else f"{scenario.NAME}\n{scenario.table(result)}")


if __name__ == "__main__":
    main()
