# The identities under which Google's services act for the project. Google creates one only when its service is first
# used, or asked for it; a grant to one that does not exist is refused.
locals {
  agents = {
    storage          = "serviceAccount:service-${local.number}@gs-project-accounts.iam.gserviceaccount.com"
    pubsub           = "serviceAccount:service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    firestore        = "serviceAccount:service-${local.number}@gcp-sa-firestore.iam.gserviceaccount.com"
    cloudfunctions   = "serviceAccount:service-${local.number}@gcf-admin-robot.iam.gserviceaccount.com"
    run              = "serviceAccount:service-${local.number}@serverless-robot-prod.iam.gserviceaccount.com"
    artifactregistry = "serviceAccount:service-${local.number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
    secretmanager    = "serviceAccount:service-${local.number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
  }
}

resource "google_project_service_identity" "agent" {
  for_each = setsubtract(var.kms_key == null ? ["pubsub"] : keys(local.agents), ["storage"])
  provider = google-beta

  project = var.project_id
  service = "${each.key}.googleapis.com"

  depends_on = [google_project_service.this]
}

# Asking for the address of Cloud Storage's creates it.
data "google_storage_project_service_account" "this" {
  project = var.project_id

  depends_on = [google_project_service.this]
}

# IAM knows a new identity after some seconds.
resource "time_sleep" "agents" {
  create_duration = "60s"

  depends_on = [google_project_service_identity.agent, data.google_storage_project_service_account.this]
}
