resource "google_pubsub_topic" "this" {
  for_each = local.topics

  project      = var.project_id
  name         = each.key
  kms_key_name = var.kms_key
  labels       = local.labels

  depends_on = [google_project_service.this, time_sleep.key]
}

# A push subscription of ours for each function, as the emulated place has it. What is not acknowledged comes back with
# the table's backoff, and goes to the dead-letter topic after the table's deliveries.
resource "google_pubsub_subscription" "function" {
  for_each = local.pushed

  project                    = var.project_id
  name                       = each.key
  topic                      = google_pubsub_topic.this[local.topic_of[each.key]].id
  ack_deadline_seconds       = min(max(each.value.timeout_sec, local.ack_sec.min), local.ack_sec.max)
  message_retention_duration = "604800s"
  labels                     = local.labels

  push_config {
    # The functions framework reads a message's topic from the path.
    push_endpoint = "${google_cloudfunctions2_function.this[each.key].service_config[0].uri}/${google_pubsub_topic.this[local.topic_of[each.key]].id}"

    oidc_token {
      service_account_email = google_service_account.pusher.email
      audience              = google_cloudfunctions2_function.this[each.key].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "${each.value.backoff_sec.min}s"
    maximum_backoff = "${each.value.backoff_sec.max}s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.this[local.dead_letter].id
    max_delivery_attempts = min(max(each.value.deliveries, local.deliveries.min), local.deliveries.max)
  }

  expiration_policy {
    ttl = "" # never
  }

  # From the first message on it must be allowed to push, and to give up.
  depends_on = [
    google_cloud_run_v2_service_iam_member.pusher,
    google_service_account_iam_member.pubsub_is_pusher,
    google_pubsub_topic_iam_member.gives_up,
  ]
}

# Where a person looks at what could not be done.
resource "google_pubsub_subscription" "dead_letter" {
  project                    = var.project_id
  name                       = local.dead_letter
  topic                      = google_pubsub_topic.this[local.dead_letter].id
  ack_deadline_seconds       = 60
  message_retention_duration = "1209600s"
  labels                     = local.labels

  retry_policy {
    minimum_backoff = "10s"
  }

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub moves dead letters under its own identity.
resource "google_pubsub_topic_iam_member" "gives_up" {
  project = var.project_id
  topic   = google_pubsub_topic.this[local.dead_letter].name
  role    = "roles/pubsub.publisher"
  member  = local.agents.pubsub

  depends_on = [time_sleep.agents]
}

resource "google_pubsub_subscription_iam_member" "gives_up" {
  for_each = google_pubsub_subscription.function

  project      = var.project_id
  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub

  depends_on = [time_sleep.agents]
}

# Buckets tell of finalized objects.
resource "google_storage_notification" "finalized" {
  for_each = local.notifying

  bucket         = google_storage_bucket.data[each.key].name
  topic          = google_pubsub_topic.this["${each.key}-finalized"].id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]

  depends_on = [time_sleep.grants]
}

resource "google_pubsub_topic_iam_member" "tells" {
  for_each = local.notifying

  project = var.project_id
  topic   = google_pubsub_topic.this["${each.key}-finalized"].name
  role    = "roles/pubsub.publisher"
  member  = local.agents.storage

  depends_on = [time_sleep.agents]
}

resource "google_cloud_scheduler_job" "tick" {
  for_each = { for name, row in local.pushed : name => row if try(row.trigger.every_minutes, null) != null }

  project     = var.project_id
  region      = var.region
  name        = each.key
  description = each.value.does
  schedule    = each.value.trigger.every_minutes == 1 ? "* * * * *" : "*/${each.value.trigger.every_minutes} * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.this[each.value.trigger.topic].id
    data       = base64encode("{}") # a push without data is refused by the functions framework
  }

  # The first tick should find whom to wake.
  depends_on = [google_pubsub_subscription.function]
}
