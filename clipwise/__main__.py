"""Starts the command line with our own `functions`, `infra` and `shared`, whatever else has these names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = Path(__file__).absolute().parent
# The wheel has the three folders inside this one, the repository beside it: docs/decisions/wheel.md.
ROOT = FOLDER if (FOLDER / "infra").is_dir() else FOLDER.parent


def main() -> None:
    put_first(str(ROOT))
    from infra.cli.start import main as start

    start()


def put_first(root: str) -> None:
    """Let this process and the ones it starts import from `root` before any other folder."""
    sys.path.insert(0, root)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


if __name__ == "__main__":
    main()
