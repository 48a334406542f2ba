"""Verdicts by hand: an owner accepts or rejects images of a dataset; that outlasts validations and rules exports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.datasets.store import DATASETS, IMAGES, change_dataset, image_id, image_object_name
from shared.models.dataset import Dataset, DatasetStatus, ExportOptions, ValidationProgress
from shared.models.image import ImageRecord, ImageState
from shared.pipeline.job_storage import MEDIA
from tests.api_site import Site
from tests.picture_samples import encoded, scene

NAMES = ("plain", "tiny")


class Dogs:
    """A dataset of a good picture and of one that is too small, validated."""

    def __init__(self, site: Site) -> None:
        self._site, self._documents = site, site.place.place.documents
        self.id: str = site.client.post("/v1/datasets", json={"name": "Dogs", "keywords": ["dog"]}).json()["id"]
        for number, name in enumerate(NAMES):
            content = encoded(scene(number, (640, 480) if name == "plain" else (32, 24)))
            stored = image_object_name(self.id, f"{number}" * 64, "jpeg")
            site.place.place.objects.put(MEDIA, stored, content, "image/jpeg")
            record = ImageRecord(
                id=image_id(self.id, name), dataset_id=self.id, owner="local", url=f"https://images.example/{name}.jpg",
                source="openverse", chunk=number, state=ImageState.DOWNLOADED, media=stored, format="jpeg",
                created_at=datetime.now(UTC),
            )  # fmt: skip
            self._documents.put(IMAGES, record.id, record.to_document())
        change_dataset(self._documents, self.id, self._complete)

    @staticmethod
    def _complete(dataset: Dataset) -> bool:
        dataset.status = DatasetStatus.COMPLETED
        return True

    def validate(self) -> None:
        answer = self._site.client.post(f"/v1/datasets/{self.id}/validations", json={"level": "fast"})
        assert answer.status_code == 202, answer.text
        self._site.work()

    def decide(self, name: str, accepted: bool | None) -> dict[str, Any]:
        answer = self._site.client.patch(self._path(name), json={"accepted": accepted})
        assert answer.status_code == 200, answer.text
        decided: dict[str, Any] = answer.json()
        return decided

    def _path(self, name: str) -> str:
        return f"/v1/datasets/{self.id}/images/{image_id(self.id, name)}"

    def refusal(self, name: str) -> tuple[int, str]:
        answer = self._site.client.patch(self._path(name), json={"accepted": True})
        return answer.status_code, answer.json()["code"]

    def accepted(self) -> set[str]:
        """The names of all accepted images, by the list's own filter."""
        path, filters = f"/v1/datasets/{self.id}/images", {"accepted": "true"}
        images = self._site.client.get(path, params=filters).json()["images"]
        return {image["url"].rpartition("/")[2].removesuffix(".jpg") for image in images}

    def count(self) -> int:
        stored = self._documents.get(DATASETS, self.id)
        assert stored
        validated = Dataset.read(stored.data).progress.validated
        assert isinstance(validated, ValidationProgress)
        return validated.accepted

    def run(self, status: DatasetStatus) -> None:
        def change(dataset: Dataset) -> bool:
            dataset.status = status
            return True

        change_dataset(self._documents, self.id, change)

    def exported(self, *include: str) -> set[str]:
        options = ExportOptions(format="zip", include=list(include))
        stored = [self._documents.get(IMAGES, image_id(self.id, name)) for name in NAMES]
        records = [ImageRecord.read(document.data) for document in stored if document]
        return {record.url.rpartition("/")[2].removesuffix(".jpg") for record in records if options.includes(record)}


@pytest.fixture
def dogs(site: Site) -> Dogs:
    return Dogs(site)


def test_a_verdict_by_hand_outlasts_validations(dogs: Dogs) -> None:
    """A small picture that was accepted and a good one that was rejected stay so after another validation."""
    dogs.validate()
    assert (dogs.accepted(), dogs.count()) == ({"plain"}, 1)
    tiny = dogs.decide("tiny", True)
    assert (tiny["accepted"], tiny["override"], tiny["findings"][0]["check"]) == (True, True, "too_small")
    assert dogs.count() == 2
    dogs.decide("plain", False)
    assert (dogs.accepted(), dogs.count()) == ({"tiny"}, 1)
    dogs.validate()
    assert (dogs.accepted(), dogs.count()) == ({"tiny"}, 1)
    for name in NAMES:
        assert dogs.decide(name, None)["override"] is None
    assert (dogs.accepted(), dogs.count()) == ({"plain"}, 1)


def test_exports_follow_the_hand(dogs: Dogs) -> None:
    """An export has the images that were accepted by hand, and those rejected by hand only on demand."""
    dogs.validate()
    dogs.decide("tiny", True)
    dogs.decide("plain", False)
    assert dogs.exported("accepted") == {"tiny"}
    assert dogs.exported("accepted", "blurry") == {"tiny"}
    assert dogs.exported("by_hand") == {"plain"}


def test_no_verdict_is_overridden_that_is_not_there_or_may_change(dogs: Dogs) -> None:
    """Before a validation and during one, the request is refused with what to do first."""
    assert dogs.refusal("plain") == (409, "not_validated")
    dogs.validate()
    dogs.run(DatasetStatus.RUNNING)
    assert dogs.refusal("plain") == (409, "dataset_running")
    dogs.run(DatasetStatus.COMPLETED)
    assert dogs.refusal("no-such-image") == (404, "not_found")
