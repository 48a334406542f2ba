# Two triggers of Cloud Build. A pull request can change cloudbuild.plan.yaml itself, so it is the account that keeps it
# from changing anything, and a comment of somebody who may write that lets it run at all.
resource "google_cloudbuild_trigger" "plan" {
  count = var.cloud_build_repository == null ? 0 : 1

  project         = var.project_id
  location        = var.region
  name            = "clipwise-plan"
  filename        = "cloudbuild.plan.yaml"
  service_account = google_service_account.plan.id
  substitutions   = local.substitutions

  repository_event_config {
    repository = var.cloud_build_repository

    pull_request {
      branch          = "^main$"
      comment_control = "COMMENTS_ENABLED"
    }
  }
}

resource "google_cloudbuild_trigger" "deploy" {
  count = var.cloud_build_repository == null ? 0 : 1

  project         = var.project_id
  location        = var.region
  name            = "clipwise-deploy"
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.deploy.id
  substitutions   = local.substitutions

  repository_event_config {
    repository = var.cloud_build_repository

    push {
      branch = "^main$"
    }
  }

  approval_config {
    approval_required = true
  }
}

locals {
  substitutions = { _STATE_BUCKET = google_storage_bucket.state.name, _EXAMPLE = var.example }
}
