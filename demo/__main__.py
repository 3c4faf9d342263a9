"""`python -m demo --size full`: makes the company where the settings point to."""

from __future__ import annotations

import argparse

import config
from billing import create_app
from demo import company, stories


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--size", choices=stories.SIZES[1:], default="full")
    options = parser.parse_args()
    app = create_app(config.load(serving=False))
    with app.app_context():
        company.make(options.size)


if __name__ == "__main__":
    main()
