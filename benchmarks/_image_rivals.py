"""What `benchmarks.images` is measured against, run by the Python of another environment: no import of ours in here.

`python _image_rivals.py {imagededup|cleanvision} FOLDER` looks at the images of a folder; `group FILE DISTANCE` groups
the hashes in a NumPy file with imagededup. Each prints its seconds of processor time, once its modules are loaded.
`flaws FOLDER` prints, as JSON, what cleanvision finds in each file.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import sys
import types
from collections.abc import Callable


def hasher() -> object:
    """imagededup's perceptual hash; its neural network, which would need PyTorch, is left out."""
    for module, name in (("methods.cnn", "CNN"), ("utils.models", "CustomModel")):
        stub = types.ModuleType(f"imagededup.{module}")
        setattr(stub, name, object)
        sys.modules[stub.__name__] = stub
    from imagededup.methods import PHash

    return PHash(verbose=False)


def imagededup(folder: str) -> Callable[[], object]:
    method = hasher()
    return lambda: method.encode_images(image_dir=folder, num_enc_workers=0)  # type: ignore[attr-defined]


def cleanvision(folder: str) -> Callable[[], object]:
    from cleanvision import Imagelab

    return lambda: Imagelab(data_path=folder).find_issues(n_jobs=1, verbose=False)


def print_flaws(folder: str) -> None:
    from cleanvision import Imagelab

    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123
        # It stops at a damaged file; those are the PNGs.
        lab = Imagelab(filepaths=[entry.path for entry in os.scandir(folder) if entry.name.endswith(".jpg")])
        lab.find_issues({name: {} for name in ("dark", "light", "blurry", "low_information")}, n_jobs=1, verbose=False)
    marks = [column for column in lab.issues.columns if column.startswith("is_") and column.endswith("_issue")]
    rows = lab.issues[marks].to_dict("index")
    print(json.dumps({os.path.basename(path): [mark for mark in marks if row[mark]] for path, row in rows.items()}))  # noqa: PTH119


def group(file: str, distance: str) -> Callable[[], object]:
    import numpy as np

    method = hasher()
    encodings = {f"{number:07}": f"{int(code):016x}" for number, code in enumerate(np.load(file))}
    return lambda: method.find_duplicates(  # type: ignore[attr-defined]
        encoding_map=encodings, max_distance_threshold=int(distance), num_dist_workers=0
    )


def main() -> None:
    logging.disable()
    if sys.argv[1] == "flaws":
        print_flaws(sys.argv[2])
        return
    what = {"imagededup": imagededup, "cleanvision": cleanvision, "group": group}[sys.argv[1]]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):  # noqa: PTH123
        work = what(*sys.argv[2:])
        start = used()
        work()
        taken = used() - start
    print(taken)


def used() -> float:
    """Seconds of processor time, of workers that have ended too."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


if __name__ == "__main__":
    main()
