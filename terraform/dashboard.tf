locals {
  charts = [
    {
      title  = "Stages done"
      filter = "metric.type=\"logging.googleapis.com/user/clipwise/stages_done\" resource.type=\"cloud_run_revision\""
      align  = "ALIGN_RATE"
      by     = "metric.label.stage"
    },
    {
      title  = "Stages that refused their input, by code"
      filter = "metric.type=\"logging.googleapis.com/user/clipwise/stages_refused\" resource.type=\"cloud_run_revision\""
      align  = "ALIGN_RATE"
      by     = "metric.label.code"
    },
    {
      title  = "Failed attempts"
      filter = "metric.type=\"logging.googleapis.com/user/clipwise/attempts_failed\" resource.type=\"cloud_run_revision\""
      align  = "ALIGN_RATE"
      by     = "metric.label.stage"
    },
    {
      title  = "Time of a request, 95th percentile"
      filter = "metric.type=\"run.googleapis.com/request_latencies\" resource.type=\"cloud_run_revision\""
      align  = "ALIGN_PERCENTILE_95"
      by     = "resource.label.service_name"
    },
    {
      title  = "Requests by answer"
      filter = "metric.type=\"run.googleapis.com/request_count\" resource.type=\"cloud_run_revision\""
      align  = "ALIGN_RATE"
      by     = "metric.label.response_code_class"
    },
    {
      title  = "Instances"
      filter = "metric.type=\"run.googleapis.com/container/instance_count\" resource.type=\"cloud_run_revision\""
      align  = "ALIGN_MAX"
      by     = "resource.label.service_name"
    },
    {
      title  = "Memory, 99th percentile"
      filter = "metric.type=\"run.googleapis.com/container/memory/utilizations\" resource.type=\"cloud_run_revision\""
      align  = "ALIGN_PERCENTILE_99"
      by     = "resource.label.service_name"
    },
    {
      title  = "Events that wait"
      filter = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" resource.type=\"pubsub_subscription\""
      align  = "ALIGN_MAX"
      by     = "resource.label.subscription_id"
    },
    {
      title  = "Oldest event that waits"
      filter = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" resource.type=\"pubsub_subscription\""
      align  = "ALIGN_MAX"
      by     = "resource.label.subscription_id"
    },
    {
      title  = "Bytes stored"
      filter = "metric.type=\"storage.googleapis.com/storage/total_bytes\" resource.type=\"gcs_bucket\""
      align  = "ALIGN_MEAN"
      by     = "resource.label.bucket_name"
    },
  ]
}

resource "google_monitoring_dashboard" "this" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName = "Clipwise"
    mosaicLayout = {
      columns = 48
      tiles = [
        for number, chart in local.charts : {
          xPos   = number % 2 * 24
          yPos   = floor(number / 2) * 16
          width  = 24
          height = 16
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [{
                plotType   = "LINE"
                targetAxis = "Y1"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart.filter
                    aggregation = {
                      alignmentPeriod    = "60s"
                      perSeriesAligner   = chart.align
                      crossSeriesReducer = chart.align == "ALIGN_RATE" ? "REDUCE_SUM" : "REDUCE_MAX"
                      groupByFields      = [chart.by]
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })


  depends_on = [time_sleep.log_metrics]
}
