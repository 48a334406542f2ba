# One account for each function, with what its rows in the two tables say and nothing else.
resource "google_service_account" "function" {
  for_each = local.functions

  project      = var.project_id
  account_id   = "clipwise-${each.key}"
  display_name = "Clipwise ${each.key}"
  description  = each.value.does

  depends_on = [google_project_service.this]
}

locals {
  member = { for name, account in google_service_account.function : name => "serviceAccount:${account.email}" }

  # Cloud Storage's own roles for the first two; its roles that delete can do more than that.
  object_roles = {
    read   = "roles/storage.objectViewer"
    create = "roles/storage.objectCreator"
    delete = google_project_iam_custom_role.object_deleter.id
  }
}

resource "google_project_iam_custom_role" "object_deleter" {
  project     = var.project_id
  role_id     = "clipwiseObjectDeleter"
  title       = "Clipwise: deletes objects"
  permissions = ["storage.objects.delete"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_custom_role" "account_keeper" {
  project     = var.project_id
  role_id     = "clipwiseAccountKeeper"
  title       = "Clipwise: looks up, changes and deletes accounts"
  permissions = ["firebaseauth.users.get", "firebaseauth.users.update", "firebaseauth.users.delete"]

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers

  project = var.project_id
  topic   = google_pubsub_topic.this[each.value.topic].name
  role    = "roles/pubsub.publisher"
  member  = local.member[each.value.function]
}

resource "google_storage_bucket_iam_member" "function" {
  for_each = local.object_rights

  bucket = google_storage_bucket.data[each.value.bucket].name
  role   = local.object_roles[each.value.verb]
  member = local.member[each.value.function]
}

resource "google_project_iam_member" "documents" {
  for_each = toset([for name, row in local.rights : name if try(row.documents, false)])

  project = var.project_id
  role    = "roles/datastore.user"
  member  = local.member[each.key]
}

resource "google_project_iam_member" "accounts" {
  for_each = toset([for name, row in local.rights : name if try(row.accounts, false)])

  project = var.project_id
  role    = google_project_iam_custom_role.account_keeper.id
  member  = local.member[each.key]
}

# Links are signed without a key file: the account signs as itself (docs/decisions/signed-links-without-a-key.md).
resource "google_service_account_iam_member" "signs" {
  for_each = toset([for name, row in local.rights : name if try(row.signs, false)])

  service_account_id = google_service_account.function[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.member[each.key]
}

resource "google_project_iam_member" "vertexai" {
  for_each = toset([for name, row in local.functions : name if local.vertexai && contains(row.secrets, "GEMINI_API_KEY")])

  project = var.project_id
  role    = "roles/aiplatform.user"
  member  = local.member[each.key]
}

# Traces and metrics, where they go to Google: docs/decisions/telemetry.md.
resource "google_project_iam_member" "telemetry" {
  for_each = toset([for name in keys(local.functions) : name if local.telemetry])

  project = var.project_id
  role    = "roles/telemetry.writer"
  member  = local.member[each.key]
}

# Who pushes events: it may call the functions that listen, and nothing else.
resource "google_service_account" "pusher" {
  project      = var.project_id
  account_id   = "clipwise-pusher"
  display_name = "Clipwise events"

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_service_iam_member" "pusher" {
  for_each = local.pushed

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.pusher.email}"
}

resource "google_service_account_iam_member" "pubsub_is_pusher" {
  service_account_id = google_service_account.pusher.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agents.pubsub

  depends_on = [time_sleep.agents]
}

resource "google_cloud_run_v2_service_iam_member" "api" {
  for_each = { for each in setproduct(keys(local.http), var.api_invokers) : join("/", each) => each }

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.this[each.value[0]].name
  role     = "roles/run.invoker"
  member   = each.value[1]
}

# Who builds the functions: reads sources, writes images and logs.
resource "google_service_account" "build" {
  project      = var.project_id
  account_id   = "clipwise-build"
  display_name = "Clipwise builds"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "build" {
  for_each = {
    "roles/logging.logWriter" = null
    # Cloud Functions copies sources into a bucket of its own; no other bucket is to be read.
    "roles/storage.objectViewer" = join(" || ", [
      "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${local.number}\")",
      "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.sources.name}\")",
    ])
  }

  project = var.project_id
  role    = each.key
  member  = "serviceAccount:${google_service_account.build.email}"

  dynamic "condition" {
    for_each = each.value[*]
    content {
      title      = "sources only"
      expression = condition.value
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "build" {
  project    = var.project_id
  location   = google_artifact_registry_repository.functions.location
  repository = google_artifact_registry_repository.functions.name
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${google_service_account.build.email}"
}

# What is used within the same apply: the build reads and writes, the function reads its secrets, the bucket publishes.
resource "time_sleep" "grants" {
  create_duration = "120s"

  depends_on = [
    google_project_iam_member.build,
    google_artifact_registry_repository_iam_member.build,
    google_secret_manager_secret_iam_member.function,
    google_pubsub_topic_iam_member.tells,
  ]
}
