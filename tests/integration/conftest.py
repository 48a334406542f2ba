"""Both local places, started as a user starts them, and a real video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from infra.runtimes.emulated.emulators import EmulatorHosts
from infra.stand_ins.apify_server import ApifyServer
from infra.stand_ins.auto_replies import AutoReplyGemini
from infra.stand_ins.image_search import ImageSearch
from infra.stand_ins.services import VIDEO, demo_post_items
from tests.contract.emulated import need_emulators, running_emulators
from tests.dataset_runs import unhurried
from tests.file_server import Web, served_folder
from tests.hostile_server import HostileServer
from tests.image_site import ImageSite
from tests.integration.sites import OPTIONS, MortalOpenAI, Services, Sites
from tests.server import Server, serving
from tests.sounds import talking_video
from tests.video_samples import plain_video


@pytest.fixture(scope="session")
def hostile() -> Iterator[HostileServer]:
    with HostileServer() as server:
        yield server


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with served_folder(tmp_path_factory.mktemp("web")) as served:
        yield served


@pytest.fixture(scope="session")
def pictures() -> Iterator[ImageSite]:
    with ImageSite() as site:
        yield site


@pytest.fixture(scope="session")
def engines(pictures: ImageSite) -> Iterator[ImageSearch]:
    with ImageSearch(pictures.found) as search:
        yield search


@pytest.fixture(scope="session")
def place_named(
    tmp_path_factory: pytest.TempPathFactory,
    hostile: HostileServer,
    web: Web,
    pictures: ImageSite,
    engines: ImageSearch,
) -> Iterator[Callable[[str], Server]]:
    """Starts a server of either place when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def start(name: str) -> Server:
            data = tmp_path_factory.mktemp(name)
            allowed = f"{hostile.address},{web.address},{pictures.address}"
            environ = {"ALLOW_HOSTS": allowed, "API_MAX_FILE_SIZE_MB": "20"} | unhurried(pictures, engines)
            return stack.enter_context(serving(data, *OPTIONS[name], **environ))

        yield start


@pytest.fixture(scope="session", params=sorted(OPTIONS))
def place(request: pytest.FixtureRequest, place_named: Callable[[str], Server]) -> Server:
    """A server of either place, for all tests of the session.

    Both run on when the parameter changes, which it does within each file that a worker runs.
    """
    if request.param == "emulated":
        need_emulators()
    return place_named(request.param)


@pytest.fixture(scope="session")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorHosts]:
    """Emulators without functions."""
    with running_emulators(tmp_path_factory.mktemp("emulators")) as running:
        yield running


@pytest.fixture(scope="session")
def small_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain_video(tmp_path_factory.mktemp("videos") / "plain.mp4")


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds with something to hear."""
    return talking_video(tmp_path_factory.mktemp("videos") / "talk.mp4")


@pytest.fixture(scope="session")
def services(cooking_video: Path) -> Iterator[Services]:
    """The stand-ins for OpenAI, Gemini and Apify, to be counted at and to be made fail."""
    with MortalOpenAI() as openai, AutoReplyGemini() as gemini, ApifyServer(demo_post_items) as apify:
        apify.store_file(VIDEO, "video/mp4", cooking_video.read_bytes())
        yield Services(openai, gemini, apify)


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory, services: Services) -> Iterator[Sites]:
    opened = Sites(tmp_path_factory.mktemp("sites"), services)
    yield opened
    opened.close()
