# What deploys Clipwise from commits: two accounts, of which only one can change anything, and who may act as them.
# Apply it once, by hand, as an owner of the project; docs/deploy.md has the commands.
terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.21, < 8"
    }
  }
}

provider "google" {
  project               = var.project_id
  billing_project       = var.project_id
  user_project_override = true
}

locals {
  services = toset(["cloudbuild", "cloudresourcemanager", "iam", "iamcredentials", "secretmanager", "storage", "sts"])

  # Reading is enough for a plan. The viewer's roles leave out policies and the text of API keys.
  plan_roles = ["roles/viewer", "roles/iam.securityReviewer", "roles/serviceusage.apiKeysViewer", "roles/serviceusage.serviceUsageConsumer", "roles/logging.logWriter"]
  deploy_roles = [
    "roles/editor", "roles/resourcemanager.projectIamAdmin", "roles/iam.roleAdmin", "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountTokenCreator", "roles/run.admin", "roles/secretmanager.admin", "roles/storage.admin",
    "roles/pubsub.admin", "roles/datastore.owner", "roles/firebaseauth.admin", "roles/serviceusage.apiKeysAdmin",
    "roles/logging.configWriter",
  ]
}

resource "google_project_service" "this" {
  for_each = local.services

  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}

resource "google_storage_bucket" "state" {
  project                     = var.project_id
  name                        = "${var.project_id}-terraform"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  depends_on = [google_project_service.this]
}

resource "google_service_account" "plan" {
  project      = var.project_id
  account_id   = "clipwise-plan"
  display_name = "Clipwise: plans changes, and can make none"

  depends_on = [google_project_service.this]
}

resource "google_service_account" "deploy" {
  project      = var.project_id
  account_id   = "clipwise-deploy"
  display_name = "Clipwise: deploys what was merged and approved"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "plan" {
  #checkov:skip=CKV_GCP_117: A plan reads every kind of resource, and this basic role changes none.
  for_each = toset(local.plan_roles)

  project = var.project_id
  role    = each.key
  member  = "serviceAccount:${google_service_account.plan.email}"
}

resource "google_project_iam_member" "deploy" {
  #checkov:skip=CKV_GCP_117: It creates services of a dozen kinds; only main reaches it, after an approval.
  #checkov:skip=CKV_GCP_49: It creates the functions' accounts and deploys functions that run as them.
  #checkov:skip=CKV_GCP_41: It grants each function's account the right to sign as itself.
  for_each = toset(local.deploy_roles)

  project = var.project_id
  role    = each.key
  member  = "serviceAccount:${google_service_account.deploy.email}"
}

resource "google_storage_bucket_iam_member" "plan" {
  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.plan.email}"
}

resource "google_storage_bucket_iam_member" "deploy" {
  bucket = google_storage_bucket.state.name
  role   = "roles/storage.objectAdmin"
  member = "serviceAccount:${google_service_account.deploy.email}"
}

# What only the deployment reads: new values of secrets (docs/deploy.md#secrets), and the smoke test's password.
resource "google_secret_manager_secret" "delivery" {
  for_each = toset(["CLIPWISE_SECRET_VALUES", "CLIPWISE_SMOKE_PASSWORD"])

  project   = var.project_id
  secret_id = each.key

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_iam_member" "deploy" {
  for_each = google_secret_manager_secret.delivery

  project   = var.project_id
  secret_id = each.value.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.deploy.email}"
}
