# Request logs have whole addresses: of feeds and share links, whose tokens open them, and of links from share sheets.
resource "google_logging_project_exclusion" "secret_addresses" {
  project     = var.project_id
  name        = "clipwise-secret-addresses"
  description = "Requests to addresses that open a feed or a shared group to whoever knows them, or that carry a user's link"
  filter      = "resource.type=(\"cloud_run_revision\" OR \"http_load_balancer\") AND httpRequest.requestUrl=~\"/(feeds|shared)/[^/]|//[^/]+/share[?]\""
}
