# The database that Google's SDKs for apps expect.
resource "google_firestore_database" "this" {
  project                           = var.project_id
  name                              = "(default)"
  location_id                       = coalesce(var.firestore_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  database_edition                  = "STANDARD"
  concurrency_mode                  = "OPTIMISTIC"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.deletion_protection ? "ABANDON" : "DELETE"
  point_in_time_recovery_enablement = var.retention.undo_days_7 ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"

  dynamic "cmek_config" {
    for_each = var.kms_key[*]
    content {
      kms_key_name = cmek_config.value
    }
  }

  depends_on = [google_project_service.this, time_sleep.key]
}

resource "google_firestore_index" "this" {
  # A vector index holds vectors of one width only, so there is one for each width.
  for_each = merge([
    for dimension in local.embedding_dimensions : {
      for index in local.firestore.indexes : join(" ", [
        index.collectionGroup,
        join(",", [for field in index.fields : "${field.fieldPath}:${lower(try(field.order, field.arrayConfig, dimension))}"]),
      ]) => merge(index, { dimension = dimension })
    }
  ]...)

  project     = var.project_id
  database    = google_firestore_database.this.name
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    # Firestore adds __name__ after the last field that is not a vector, and answers with it. Where a vector follows,
    # the provider would take the difference for a change, and make the index anew at every apply.
    for_each = concat(
      [for field in each.value.fields : field if !can(field.vectorConfig)],
      [for field in each.value.fields : { fieldPath = "__name__", order = "ASCENDING" } if can(field.vectorConfig)],
      [for field in each.value.fields : field if can(field.vectorConfig)],
    )
    content {
      field_path   = fields.value.fieldPath
      order        = try(fields.value.order, null)
      array_config = try(fields.value.arrayConfig, null)

      dynamic "vector_config" {
        for_each = try([fields.value.vectorConfig], [])
        content {
          dimension = each.value.dimension
          flat {}
        }
      }
    }
  }
}

# Fields that no query asks for have no index, which saves its cost; `expiresAt` lets documents go by themselves.
resource "google_firestore_field" "this" {
  for_each = { for field in local.firestore.fieldOverrides : "${field.collectionGroup}.${field.fieldPath}" => field }

  project    = var.project_id
  database   = google_firestore_database.this.name
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  index_config {
    dynamic "indexes" {
      for_each = each.value.indexes
      content {
        order        = try(indexes.value.order, null)
        array_config = try(indexes.value.arrayConfig, null)
        query_scope  = indexes.value.queryScope
      }
    }
  }

  dynamic "ttl_config" {
    for_each = each.value.ttl ? [true] : []
    content {}
  }
}

resource "google_firebaserules_ruleset" "firestore" {
  project = var.project_id

  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/../infra/firestore/firestore.rules")
    }
  }

  # A ruleset cannot be changed, and one that is released cannot be deleted.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_firestore_database.this]
}

resource "google_firebaserules_release" "firestore" {
  project      = var.project_id
  name         = "cloud.firestore"
  ruleset_name = "projects/${var.project_id}/rulesets/${google_firebaserules_ruleset.firestore.name}"

  lifecycle {
    replace_triggered_by = [google_firebaserules_ruleset.firestore]
  }
}

resource "google_firestore_backup_schedule" "daily" {
  count = var.retention.backups_days > 0 ? 1 : 0

  project   = var.project_id
  database  = google_firestore_database.this.name
  retention = "${var.retention.backups_days * 86400}s"

  daily_recurrence {}
}
