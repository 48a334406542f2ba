output "state_bucket" {
  value = google_storage_bucket.state.name
}

output "github" {
  description = "Variables of the repository's Actions: Settings > Secrets and variables > Actions > Variables."
  value = var.github_repository == null ? null : {
    GCP_PROJECT        = var.project_id
    GCP_STATE_BUCKET   = google_storage_bucket.state.name
    GCP_PROVIDER       = google_iam_workload_identity_pool_provider.github[0].name
    GCP_PLAN_ACCOUNT   = google_service_account.plan.email
    GCP_DEPLOY_ACCOUNT = google_service_account.deploy.email
  }
}
