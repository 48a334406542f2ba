"""Entry point of the program `clipwise`, which runs the command line from our own `functions`, `infra` and `shared`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).absolute().parent
# The wheel has the three folders inside this one, the repository beside it: docs/decisions/wheel.md.
ROOT = FOLDER if (FOLDER / "infra").is_dir() else FOLDER.parent
OUR_PACKAGES = ("functions", "infra", "shared")


def main() -> None:
    """Run the command line; exits with code 2 and names the command to install a missing package."""
    put_first(str(ROOT))
    try:
        from infra.cli.main import app

        app()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in OUR_PACKAGES:
            raise
        problem = f"{error.name} is not installed. Run: pip install 'clipwise[embedded]'"
        print(problem, file=sys.stderr)
        sys.exit(2)


def put_first(root: str) -> None:
    """Import from `root` before any other folder, in this process and the ones it starts."""
    sys.path.insert(0, root)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


if __name__ == "__main__":
    main()
