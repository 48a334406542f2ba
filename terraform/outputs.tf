output "api_url" {
  description = "Where the API is: what apps, the command line (`clipwise --server`) and the smoke test are given."
  value       = local.api_url
}

output "app" {
  description = "What apps pass to Firebase's SDK (`initializeApp`), to sign in and to listen to documents. None of it is secret."
  value = {
    apiKey     = nonsensitive(google_apikeys_key.app.key_string)
    authDomain = "${var.project_id}.firebaseapp.com"
    projectId  = var.project_id
    database   = google_firestore_database.this.name
  }
}

output "buckets" {
  description = "The buckets, by their name in the wiring table."
  value       = { for name, bucket in google_storage_bucket.data : name => bucket.name }
}

output "dead_letters" {
  description = "Where events that were given up wait to be looked at: `gcloud pubsub subscriptions pull`."
  value       = google_pubsub_subscription.dead_letter.name
}

output "accounts" {
  description = "The account that each function runs as."
  value       = { for name, account in google_service_account.function : name => account.email }
}

output "dashboard" {
  description = "The dashboard's page."
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${reverse(split("/", google_monitoring_dashboard.this.id))[0]}?project=${var.project_id}"
}

output "load_balancer_address" {
  description = "What the domain's A record must hold."
  value       = one(google_compute_global_address.api[*].address)
}

output "egress_address" {
  description = "Where requests of the functions come from."
  value       = one(google_compute_address.egress[*].address)
}
