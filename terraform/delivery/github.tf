# GitHub Actions without keys: its tokens are exchanged for those of the accounts. Every repository of GitHub has the
# same issuer, so the condition names yours; the deployment's account takes main only, in the protected environment.
resource "google_iam_workload_identity_pool" "github" {
  count = var.github_repository == null ? 0 : 1

  project                   = var.project_id
  workload_identity_pool_id = "clipwise-github"
  display_name              = "Clipwise on GitHub"

  depends_on = [google_project_service.this]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125: The condition admits one repository; the check does not follow the variable that names it.
  count = var.github_repository == null ? 0 : 1

  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  attribute_condition                = "assertion.repository == '${var.github_repository}'"
  attribute_mapping = {
    "google.subject"  = "assertion.sub"
    "attribute.event" = "assertion.event_name"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

locals {
  # `sub` of a job with an environment names it instead of the branch; the environment admits main only.
  principals = var.github_repository == null ? {} : {
    plan   = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.event/pull_request"
    deploy = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/subject/repo:${var.github_repository}:environment:production"
  }
  accounts = { plan = google_service_account.plan.name, deploy = google_service_account.deploy.name }
}

resource "google_service_account_iam_member" "github" {
  for_each = local.principals

  service_account_id = local.accounts[each.key]
  role               = "roles/iam.workloadIdentityUser"
  member             = each.value
}
