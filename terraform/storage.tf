resource "google_storage_bucket" "data" {
  for_each = local.buckets

  project                     = var.project_id
  name                        = "${local.prefix}${each.key}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection
  labels                      = local.labels

  # Sources go for good when they go, to keep the promise of SOURCE_RETENTION_HOURS.
  soft_delete_policy {
    retention_duration_seconds = contains(local.notifying, each.key) ? 0 : var.retention.deleted_media_days * 86400
  }

  # The net below `sweep`, which deletes sources in time. Nothing else deletes what is in the drop bucket.
  dynamic "lifecycle_rule" {
    for_each = compact([
      each.key == "drop" ? try(var.drop_bucket.days, null) :
      contains(local.notifying, each.key) ? var.retention.uploads_days : var.retention.media_days
    ])
    content {
      action {
        type = "Delete"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  # Browsers send uploads to and read media from the buckets themselves, by links that the API gives out.
  dynamic "cors" {
    for_each = length(local.origins) > 0 && each.key != "drop" ? [local.origins] : []
    content {
      origin          = cors.value
      method          = contains(local.notifying, each.key) ? ["GET", "HEAD", "PUT", "OPTIONS"] : ["GET", "HEAD"]
      response_header = ["Content-Type", "Content-Length", "Content-Range", "Content-Disposition", "ETag", "Location", "Range", "X-Goog-Resumable"]
      max_age_seconds = 3600
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.this, time_sleep.key]
}
