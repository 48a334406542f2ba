"""Libraries that do not fit, for every Python process of a test that has this environment."""

from __future__ import annotations

from pathlib import Path

METADATA_ERRORS = "open() got an unexpected keyword argument 'metadata_errors'"

OTHER_PYAV = f'''
import sys
from importlib.machinery import PathFinder


class OtherPyav:
    """Finds PyAV with an `open` that lacks an argument which Clipwise passes."""

    def find_spec(self, name, path=None, target=None):
        if name != "av":
            return None
        spec = PathFinder.find_spec(name)
        load = spec.loader.exec_module

        def load_changed(module):
            load(module)
            sound = module.open

            def open(*args, **kwargs):
                if "metadata_errors" in kwargs:
                    raise TypeError({METADATA_ERRORS!r})
                return sound(*args, **kwargs)

            module.open = open

        spec.loader.exec_module = load_changed
        return spec


sys.meta_path.insert(0, OtherPyav())
'''
PYAV_IN_WORKERS = """
import sys


class WorkerPyav:
    def find_spec(self, name, path=None, target=None):
        if name == "av" and "infra.runtimes.embedded.fork_server" in sys.orig_argv:
            {statement}


sys.meta_path.insert(0, WorkerPyav())
"""
NO_PYAV = "import sys; sys.modules['av'] = None"


def other_pyav(folder: Path) -> dict[str, str]:
    """The environment in which PyAV is of another version."""
    return _environ(folder, OTHER_PYAV)


def no_pyav(folder: Path) -> dict[str, str]:
    """The environment in which PyAV is not there."""
    return _environ(folder, NO_PYAV)


def crashing_pyav(folder: Path) -> dict[str, str]:
    """The environment in which PyAV crashes each worker that loads it."""
    return _environ(folder, PYAV_IN_WORKERS.format(statement="import ctypes; ctypes.string_at(0)"))


def hungry_pyav(folder: Path) -> dict[str, str]:
    """The environment in which PyAV needs more memory than a worker may use."""
    return _environ(folder, PYAV_IN_WORKERS.format(statement="bytearray(1 << 33)"))


def _environ(folder: Path, program: str) -> dict[str, str]:
    """Python runs a `sitecustomize` at each start."""
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(program)
    return {"PYTHONPATH": str(folder)}
