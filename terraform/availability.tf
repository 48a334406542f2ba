# Whether the API answers at all, asked from outside, and how many of its answers are errors.
resource "google_monitoring_uptime_check_config" "api" {
  count = contains(var.api_invokers, "allUsers") ? 1 : 0

  project          = var.project_id
  display_name     = "Clipwise API"
  period           = "300s"
  timeout          = "30s" # a cold start included
  selected_regions = ["EUROPE", "USA_VIRGINIA", "ASIA_PACIFIC"]

  http_check {
    # Cloud Run keeps some paths that end in z for itself, so /healthz may not reach the function.
    path         = "/v1/kinds"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = trimprefix(local.api_url, "https://")
    }
  }

  depends_on = [google_cloud_run_v2_service_iam_member.api]
}

resource "google_monitoring_alert_policy" "down" {
  count = length(google_monitoring_uptime_check_config.api)

  project               = var.project_id
  display_name          = "Clipwise: The API is down"
  combiner              = "OR"
  notification_channels = local.channels
  user_labels           = local.labels

  conditions {
    display_name = "The API is down"

    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.api[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1 # of the places that ask, so that one place's network is not taken for ours
      duration        = "300s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Two places of the world get no answer from ${local.api_url}/v1/kinds. See **The API is down** in docs/operations.md."
  }
}

resource "google_monitoring_custom_service" "api" {
  project      = var.project_id
  service_id   = "clipwise-api"
  display_name = "Clipwise API"

  depends_on = [google_project_service.this]
}

resource "google_monitoring_slo" "availability" {
  project             = var.project_id
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "availability"
  display_name        = "Requests that are not answered with a server error"
  goal                = var.alerts.availability
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = "metric.type=\"run.googleapis.com/request_count\" AND ${local.of_api}"
      bad_service_filter   = "metric.type=\"run.googleapis.com/request_count\" AND ${local.of_api} AND metric.labels.response_code_class=\"5xx\""
    }
  }
}

# Two speeds, each over a long and a short window: the long one has seen enough, the short one says that it goes on
# (https://sre.google/workbook/alerting-on-slos/). At 14.4 an hour takes 2 % of the budget of four weeks.
locals {
  burns = {
    fast = { rate = 14.4, windows = ["3600s", "300s"] }
    slow = { rate = 6, windows = ["21600s", "1800s"] }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each = local.burns

  project               = var.project_id
  display_name          = "Clipwise: Errors use up the month's budget (${each.key})"
  combiner              = "AND"
  notification_channels = local.channels
  user_labels           = local.labels

  dynamic "conditions" {
    for_each = each.value.windows
    content {
      display_name = "Burn rate over ${conditions.value}"

      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.availability.id}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate
        duration        = "0s"

        aggregations {
          alignment_period   = "60s"
          per_series_aligner = "ALIGN_MAX"
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "More than ${each.value.rate} times as many requests fail as the goal of ${var.alerts.availability * 100} % allows. See **Errors use up the month's budget** in docs/operations.md."
  }
}
