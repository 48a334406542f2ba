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

# Cloud Monitoring refuses an alert about a counter that it does not know yet. Google allows up to ten minutes for that.
resource "time_sleep" "log_metrics" {
  create_duration = "60s"

  depends_on = [google_logging_metric.this]
}
