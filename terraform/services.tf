locals {
  services = setunion([
    "apikeys", "artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "firebaserules",
    "firestore", "iam", "iamcredentials", "identitytoolkit", "logging", "monitoring", "pubsub", "run", "secretmanager",
    "securetoken", "storage",
    ],
    var.load_balancer != null || var.egress != null ? ["compute"] : [],
    var.kms_key != null ? ["cloudkms"] : [],
    var.alerts.budget != null ? ["billingbudgets"] : [],
    local.vertexai ? ["aiplatform"] : [],
    local.telemetry ? ["telemetry"] : [],
  )
}

resource "google_project_service" "this" {
  for_each = local.services

  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
