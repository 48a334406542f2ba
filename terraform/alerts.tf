resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alerts.emails)

  project      = var.project_id
  type         = "email"
  display_name = each.key
  labels       = { email_address = each.key }

  depends_on = [google_project_service.this]
}

# Each alert's title is a heading of docs/operations.md, which says what it means, where to look and what to do.
locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]
  of_api   = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${one(keys(local.http))}\""

  thresholds = merge(
    {
      dead_letters = {
        title    = "Events were given up"
        filter   = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${local.dead_letter}\""
        aligner  = "ALIGN_MAX"
        window   = "300s"
        above    = 0
        what_now = "Read them with `gcloud pubsub subscriptions pull ${local.dead_letter} --project ${var.project_id}`: each names its job, stage and error."
      }
      events_wait = {
        title    = "Events wait too long"
        filter   = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id!=\"${local.dead_letter}\""
        aligner  = "ALIGN_MAX"
        window   = "300s"
        above    = var.alerts.oldest_event_sec
        what_now = "The dashboard's chart of the oldest event names the subscription. Its function is down, refused, or has reached max_instances."
      }
      failed_jobs = {
        title    = "Many jobs fail"
        filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.this["stages_refused"].name}\" AND resource.type=\"cloud_run_revision\""
        aligner  = "ALIGN_DELTA"
        window   = "3600s"
        above    = var.alerts.failed_jobs_per_hour
        what_now = "The dashboard shows which stage refuses, and with which code."
      }
      failed_attempts = {
        title    = "Many attempts fail"
        filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.this["attempts_failed"].name}\" AND resource.type=\"cloud_run_revision\""
        aligner  = "ALIGN_DELTA"
        window   = "3600s"
        above    = 5 * var.alerts.failed_jobs_per_hour
        what_now = "The lines «attempt failed» in the logs have the stack trace."
      }
      api_errors = {
        title    = "The API answers with errors"
        filter   = "metric.type=\"run.googleapis.com/request_count\" AND ${local.of_api} AND metric.labels.response_code_class=\"5xx\""
        aligner  = "ALIGN_DELTA"
        window   = "300s"
        above    = var.alerts.api_errors_per_5_min
        what_now = "Filter the logs of `api` by severity ERROR; users were given the id under `labels.incident`."
      }
      api_latency = {
        # The median: streams of a job's progress last as long as the job.
        title    = "The API is slow"
        filter   = "metric.type=\"run.googleapis.com/request_latencies\" AND ${local.of_api}"
        aligner  = "ALIGN_PERCENTILE_50"
        window   = "300s"
        above    = var.alerts.api_median_ms
        what_now = "Half of the requests take longer than ${var.alerts.api_median_ms} ms. Cold starts, max_instances of `api` and Firestore are the usual reasons."
      }
    },
    {
      for name, row in local.functions : "latency_${name}" => {
        title    = "A stage needs most of its time limit"
        about    = name
        filter   = "metric.type=\"run.googleapis.com/request_latencies\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${name}\""
        aligner  = "ALIGN_PERCENTILE_95"
        window   = "300s"
        above    = floor(row.timeout_sec * 1000 * var.alerts.latency_share)
        what_now = "One of twenty requests to ${name} takes more than ${var.alerts.latency_share * 100} % of its ${row.timeout_sec} s."
      } if try(row.weight, 0) > 0
    },
  )
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.thresholds

  project               = var.project_id
  display_name          = "Clipwise: ${each.value.title}${try(" (${each.value.about})", "")}"
  combiner              = "OR"
  notification_channels = local.channels
  user_labels           = local.labels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "0s"

      aggregations {
        alignment_period     = each.value.window
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.aligner == "ALIGN_DELTA" ? "REDUCE_SUM" : "REDUCE_MAX"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.what_now} See **${each.value.title}** in docs/operations.md."
  }

  depends_on = [time_sleep.log_metrics]
}

# The scheduler's tick ends in a request that `sweep` answers. No answer at all is no number that could be too high.
resource "google_monitoring_alert_policy" "silence" {
  for_each = google_cloud_scheduler_job.tick

  project               = var.project_id
  display_name          = "Clipwise: The sweep is silent"
  combiner              = "OR"
  notification_channels = local.channels
  user_labels           = local.labels

  conditions {
    display_name = "The sweep is silent"

    condition_absent {
      filter   = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${each.key}\" AND metric.labels.response_code_class=\"2xx\""
      duration = "${15 * 60 * local.functions[each.key].trigger.every_minutes}s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Nothing wakes stuck jobs or deletes old videos. See **The sweep is silent** in docs/operations.md."
  }

  depends_on = [google_project_service.this]
}
