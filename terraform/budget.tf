resource "google_billing_budget" "this" {
  count = var.alerts.budget == null ? 0 : 1

  billing_account = var.alerts.budget.billing_account
  display_name    = "Clipwise: The month's cost nears its limit (${var.project_id})"

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
