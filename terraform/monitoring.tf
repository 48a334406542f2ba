locals {
  # Each stage's lines carry its labels (shared/logs.py).
  from_functions = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=(${join(" OR ", [for name in keys(local.functions) : "\"${name}\""])})"

  # Counters of what the functions log, by stage.
  log_metrics = {
    stages_done = {
      description = "Stages that were done"
      filter      = "jsonPayload.message=\"stage is done\""
    }
    stages_refused = {
      description = "Stages that refused their input, with which the job failed"
      filter      = "jsonPayload.message=~\"^(stage|part \\d+) refused its input: \""
    }
    attempts_failed = {
      description = "Attempts at a stage that failed and may be repeated"
      filter      = "jsonPayload.message=~\"^attempt (at part \\d+ )?failed\""
    }
    stages_taken_over = {
      description = "Stages that another delivery took over, since they were silent too long"
      filter      = "jsonPayload.message=~\"^another delivery took \""
    }
  }
}

resource "google_logging_metric" "this" {
  for_each = local.log_metrics

  project     = var.project_id
  name        = "clipwise/${each.key}"
  description = each.value.description
  filter      = "${local.from_functions} AND ${each.value.filter}"

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = "INT64"
    display_name = each.value.description

    labels {
      key        = "stage"
      value_type = "STRING"
    }
    dynamic "labels" {
      for_each = each.key == "stages_refused" ? ["code"] : []
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
  }

  label_extractors = merge(
    { stage = "EXTRACT(labels.stage)" },
    each.key == "stages_refused" ? { code = "REGEXP_EXTRACT(jsonPayload.message, \"refused its input: (\\\\w+)\")" } : {},
  )

  depends_on = [google_project_service.this]
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alerts.emails)

  project      = var.project_id
  type         = "email"
  display_name = each.key
  labels       = { email_address = each.key }

  depends_on = [google_project_service.this]
}

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  thresholds = merge(
    {
      dead_letters = {
        title    = "Events were given up"
        filter   = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${local.dead_letter}\""
        aligner  = "ALIGN_MAX"
        window   = "300s"
        above    = 0
        what_now = "Look at them with `gcloud pubsub subscriptions pull ${local.dead_letter} --project ${var.project_id}`: each names its job, stage and error. The log has an incident under `labels.incident`, with its stack trace. A job is run again with `clipwise retry`, after a bug with the next version; acknowledge what was seen to."
      }
      failed_jobs = {
        title    = "Many jobs fail"
        filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.this["stages_refused"].name}\" AND resource.type=\"cloud_run_revision\""
        aligner  = "ALIGN_DELTA"
        window   = "3600s"
        above    = var.alerts.failed_jobs_per_hour
        what_now = "The dashboard shows which stage refuses, and with which code. Codes of downloads point to a platform that has changed or blocks, codes of providers to a key or a budget."
      }
      failed_attempts = {
        title    = "Many attempts fail"
        filter   = "metric.type=\"logging.googleapis.com/user/${google_logging_metric.this["attempts_failed"].name}\" AND resource.type=\"cloud_run_revision\""
        aligner  = "ALIGN_DELTA"
        window   = "3600s"
        above    = 5 * var.alerts.failed_jobs_per_hour
        what_now = "Something outside is down, or a function lacks memory, time or a right. The lines «attempt failed» in the logs have the stack trace."
      }
    },
    {
      for name, row in local.functions : "latency_${name}" => {
        title    = "${name} needs most of its time limit"
        filter   = "metric.type=\"run.googleapis.com/request_latencies\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${name}\""
        aligner  = "ALIGN_PERCENTILE_95"
        window   = "300s"
        above    = floor(row.timeout_sec * 1000 * var.alerts.latency_share)
        what_now = "Nineteen of twenty requests should take less than ${var.alerts.latency_share * 100} % of the ${row.timeout_sec} s that the function has. Longer videos than foreseen (MAX_VIDEO_DURATION_SEC), a slow provider, or too little memory are the usual reasons."
      } if try(row.weight, 0) > 0
    },
  )
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.thresholds

  project               = var.project_id
  display_name          = "Clipwise: ${each.value.title}"
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
    content   = each.value.what_now
  }
}

resource "google_billing_budget" "this" {
  count = var.alerts.budget == null ? 0 : 1

  billing_account = var.alerts.budget.billing_account
  display_name    = "Clipwise (${var.project_id})"

  budget_filter {
    projects = ["projects/${local.number}"]
  }

  amount {
    specified_amount {
      currency_code = var.alerts.budget.currency
      units         = tostring(floor(var.alerts.budget.amount))
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = slice(local.channels, 0, min(5, length(local.channels)))
  }

  depends_on = [google_project_service.this]
}
