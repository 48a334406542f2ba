"""The paths of the earlier recipe extraction, for its mobile app: a job of the kind `recipe` for a link."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import intake
from functions.api.access import Place, Starts
from functions.api.bodies import read_json
from functions.api.compat.tasks import own_task
from functions.api.frame import request_trace
from functions.api.identity import Caller
from functions.api.openapi import inline_body, problems
from functions.api.schemas import LanguageTag, UrlWish
from shared.exports.material import Material
from shared.models.job import Job, JobStatus
from shared.models.recipe import Recipe
from shared.platform.ports import Platform
from shared.settings import settings

KIND = "recipe"

router = APIRouter(tags=["compat: recipe app"], responses=problems(401, 403, 422))


class Scrape(BaseModel):
    url: str
    language: LanguageTag = Field(default_factory=lambda: settings().default_language, examples=["de"])


class ScrapeTask(BaseModel):
    task_id: str


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TaskIngredient(Shown):
    amount: float | None
    unit: str | None
    name: str
    note: str | None
    group: str | None


class TaskStep(Shown):
    number: int
    text: str
    minutes: float | None
    temperature_c: float | None


class TaskNutrition(Shown):
    calories_kcal: float | None
    protein_g: float | None
    fat_g: float | None
    carbohydrates_g: float | None


class TaskRecipe(Shown):
    """What the video does not say is null or empty."""

    title: str | None
    description: str | None
    ingredients: list[TaskIngredient]
    steps: list[TaskStep]
    prep_minutes: float | None
    cook_minutes: float | None
    total_minutes: float | None
    servings: float | None
    difficulty: Literal["easy", "medium", "hard"] | None
    cuisine: str | None
    tags: list[str]
    equipment: list[str]
    nutrition: TaskNutrition | None
    source_url: str | None
    author: str | None
    thumbnail: str | None = Field(description="A link that needs no token and soon stops working.")


class RecipeTask(BaseModel):
    """`recipe_id` and `recipe` are there once it is done, `error` only when it failed."""

    task_id: str
    status: JobStatus
    progress: int = Field(ge=0, le=100)
    stage: str = Field(description="The stage that runs or ran last; before that, the first.")
    recipe_id: str = Field("", description="The recipe's document is `recipes/{recipe_id}`.")
    recipe: TaskRecipe | None = None
    error: str = Field("", description="A sentence for people.")


@router.post(
    "/scrape/async",
    summary="Start to make a recipe of a video's link",
    description="As POST /v1/jobs with the kind `recipe`; the task's id is the job's.",
    status_code=202,
    response_model=ScrapeTask,
    responses=problems(400, 413, 415, 503),
    openapi_extra=inline_body("application/json", Scrape.model_json_schema()),
)
async def scrape(request: Request, user: Caller, place: Place, starts: Starts) -> Response:
    asked = await read_json(request, Scrape)
    wish = UrlWish(kind=KIND, url=asked.url, language=asked.language)
    job = await run_in_threadpool(intake.take_url, place, user, wish, None, request_trace(request.scope), starts)
    return JSONResponse({"task_id": job.id}, 202)


@router.get(
    "/task/{task_id}",
    summary="Look at the making of a recipe",
    response_model=RecipeTask,
    response_model_exclude_unset=True,
    responses=problems(404),
)
def show_recipe_task(job: Annotated[Job, Depends(own_task(KIND))], place: Place) -> RecipeTask:
    task = RecipeTask(
        task_id=job.id, status=job.status, progress=job.progress, stage=job.stage or next(iter(job.stages))
    )
    if job.status is JobStatus.DONE:
        task.recipe_id = job.id
        task.recipe = recipe_of(place, job)
    if job.error:
        task.error = job.error.message
    return task


def recipe_of(place: Platform, job: Job) -> TaskRecipe:
    recipe = Recipe.read(job.result or {})
    recipe.thumbnail = Material(place.objects, job).picture_link()
    return TaskRecipe.model_validate(recipe)
