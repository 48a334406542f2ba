"""Entry point of the program `clipwise`: says how to install packages that are missing."""

from __future__ import annotations

import sys

OURS = ("functions", "infra", "shared")


def main() -> None:
    try:
        from infra.cli.main import app

        app()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OURS:
            raise
        problem = f"{error.name} is not installed. Run: pip install 'clipwise[embedded]'"
        print(problem, file=sys.stderr)
        sys.exit(2)
