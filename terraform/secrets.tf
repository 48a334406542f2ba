resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  project   = var.project_id
  secret_id = each.key
  labels    = local.labels

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = var.kms_key[*]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }

  depends_on = [google_project_service.this, time_sleep.key]
}

# Written, never read: the value is in no plan and no state. Functions name the version, so that a new one reaches them.
resource "google_secret_manager_secret_version" "this" {
  for_each = var.secrets

  secret                 = google_secret_manager_secret.this[each.key].id
  secret_data_wo         = lookup(var.secret_values, each.key, null)
  secret_data_wo_version = each.value

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "function" {
  for_each = local.secret_rights

  project   = var.project_id
  secret_id = google_secret_manager_secret.this[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member[each.value.function]
}
