"""The paths of the earlier recipe app: jobs of the kind `recipe` for a URL."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from functions.api import submission
from functions.api.compat.routing import own_task
from functions.api.dependencies import PlaceDep, StartQuota
from functions.api.identity import Caller
from functions.api.openapi import json_body, problem_responses
from functions.api.request_bodies import read_json
from functions.api.request_models import CompatRequestModel, LinkText
from functions.api.schemas import LanguageTag, UrlJobRequest
from shared.analyses.recipe import Recipe
from shared.exports.job_content import JobContent
from shared.exports.quantities import format_further
from shared.exports.wording import recipe_wording
from shared.logs import current_trace
from shared.models.job import Job, JobStatus
from shared.platform.ports import Place
from shared.settings import settings

KIND = "recipe"

router = APIRouter(tags=["compat: recipe app"], responses=problem_responses(401, 403, 422))


class ScrapeRequest(CompatRequestModel):
    url: LinkText = Field(description="URL of the video: http or https.")
    language: LanguageTag = Field(
        default_factory=lambda: settings().default_language,
        description="Language of the recipe, as a BCP-47 tag. Defaults to the server's DEFAULT_LANGUAGE.",
        examples=["de"],
    )


class ScrapeResponse(BaseModel):
    task_id: str = Field(description="Identifier of the task, which is a job.")


class RecipeSchema(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TaskIngredient(RecipeSchema):
    amount: float | None = Field(description="Amount. Null if the video does not state one.")
    unit: str | None = Field(description="Unit of the amount, e.g. `g`.")
    name: str = Field(description="Name of the ingredient.")
    note: str | None = Field(description="How the ingredient is prepared, e.g. `finely chopped`.")
    group: str | None = Field(description="Heading that the ingredient is listed under, e.g. `For the sauce`.")


class TaskStep(RecipeSchema):
    number: int = Field(description="Number of the step, starting at 1.")
    text: str = Field(description="Text of the step.")
    minutes: float | None = Field(description="Duration of the step in minutes.")
    temperature_c: float | None = Field(description="Temperature in degrees Celsius.")


class TaskNutrition(RecipeSchema):
    calories_kcal: float | None = Field(description="Energy in kilocalories.")
    protein_g: float | None = Field(description="Protein in grams.")
    fat_g: float | None = Field(description="Fat in grams.")
    carbohydrates_g: float | None = Field(description="Carbohydrates in grams.")


class TaskRecipe(RecipeSchema):
    """A recipe. Values that the video does not contain are null or empty."""

    title: str | None = Field(description="Title of the recipe.")
    description: str | None = Field(description="Description of the recipe.")
    ingredients: list[TaskIngredient] = Field(description="Ingredients.")
    steps: list[TaskStep] = Field(description="Steps, in order.")
    prep_minutes: float | None = Field(description="Preparation time in minutes.")
    cook_minutes: float | None = Field(description="Cooking time in minutes.")
    total_minutes: float | None = Field(description="Total time in minutes.")
    servings: float | None = Field(description="Number of servings.")
    difficulty: Literal["easy", "medium", "hard"] | None = Field(description="Difficulty.")
    cuisine: str | None = Field(description="Cuisine.")
    tags: list[str] = Field(description="Tags.")
    equipment: list[str] = Field(description="Equipment.")
    nutrition: TaskNutrition | None = Field(description="Nutrition facts.")
    source_url: str | None = Field(description="URL of the video.")
    author: str | None = Field(description="Author of the video.")
    thumbnail: str | None = Field(description="Short-lived link to the picture of the dish. It needs no token.")


class RecipeTask(BaseModel):
    """`recipe_id` and `recipe` are present once the task is `done`, `error` only if it failed."""

    task_id: str = Field(description="Identifier of the task, which is a job.")
    status: JobStatus = Field(description="Status of the task.")
    progress: int = Field(ge=0, le=100, description="Progress in percent.")
    stage: str = Field(description="The stage that runs or ran last; the first stage before the task has started.")
    recipe_id: str = Field("", description="Id of the recipe, whose document is `recipes/{recipe_id}`.")
    recipe: TaskRecipe | None = Field(None, description="The recipe.")
    error: str = Field("", description="Why the task failed, for people.")


@router.post(
    "/scrape/async",
    summary="Submit a recipe video by URL",
    description=(
        "Compatible with the recipe app: prefer POST /v1/jobs with the kind `recipe`. "
        "The returned task id is the id of the job."
    ),
    status_code=202,
    response_model=ScrapeResponse,
    responses=problem_responses(400, 413, 415, 503),
    openapi_extra=json_body(ScrapeRequest),
)
async def scrape_recipe(request: Request, user: Caller, place: PlaceDep, quota: StartQuota) -> Response:
    form = await read_json(request, ScrapeRequest)
    job_request = UrlJobRequest(kind=KIND, url=form.url, language=form.language)
    job = await run_in_threadpool(
        submission.submit_url,
        place,
        user,
        job_request,
        None,
        current_trace(),
        quota,
        earlier_limits=True,
    )
    return JSONResponse({"task_id": job.id}, 202)


@router.get(
    "/task/{task_id}",
    summary="Get a recipe task",
    description="Compatible with the recipe app: prefer GET /v1/jobs/{job_id}.",
    response_model=RecipeTask,
    response_model_exclude_unset=True,
    responses=problem_responses(404),
)
def get_recipe_task(job: Annotated[Job, Depends(own_task(KIND))], place: PlaceDep) -> RecipeTask:
    task = RecipeTask(
        task_id=job.id, status=job.status, progress=job.progress, stage=job.stage or next(iter(job.stages))
    )
    if job.status is JobStatus.DONE:
        task.recipe_id = job.id
        task.recipe = recipe_of(place, job)
    if job.error:
        task.error = job.error.message
    return task


def recipe_of(place: Place, job: Job) -> TaskRecipe:
    recipe = Recipe.read(job.result or {})
    words = recipe_wording(recipe.language)
    for ingredient in recipe.ingredients:
        # These clients know one measure: the others go into the note, so that none is lost.
        ingredient.note = ", ".join(filter(None, (format_further(ingredient, words), ingredient.note))) or None
    recipe.thumbnail = JobContent(place.objects, job).picture_link()
    return TaskRecipe.model_validate(recipe)
