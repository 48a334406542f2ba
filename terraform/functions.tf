resource "google_storage_bucket" "sources" {
  project                     = var.project_id
  name                        = "${local.prefix}sources"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # packages are made again from the code
  labels                      = local.labels

  soft_delete_policy {
    retention_duration_seconds = 0
  }

  dynamic "encryption" {
    for_each = var.kms_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.this, time_sleep.key]
}

# A package's name carries the hash of its contents: what did not change is not deployed again.
resource "google_storage_bucket_object" "package" {
  for_each = local.functions

  bucket = google_storage_bucket.sources.name
  name   = one(fileset(var.packages, "${each.key}-????????????????.zip"))
  source = "${var.packages}/${one(fileset(var.packages, "${each.key}-????????????????.zip"))}"

  lifecycle {
    # The function is built from the new one before the old one goes.
    create_before_destroy = true

    precondition {
      condition     = length(fileset(var.packages, "${each.key}-????????????????.zip")) == 1
      error_message = "There must be one package of ${each.key} in ${var.packages}: run `make package`."
    }
  }
}

resource "google_artifact_registry_repository" "functions" {
  project       = var.project_id
  location      = var.region
  repository_id = "clipwise"
  format        = "DOCKER"
  description   = "What the functions' packages are built into."
  kms_key_name  = var.kms_key
  labels        = local.labels

  # Old images are all that would cost something at rest.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 2
    }
  }
  cleanup_policies {
    id     = "delete-others"
    action = "DELETE"
    condition {
      older_than = "604800s"
    }
  }

  depends_on = [google_project_service.this, time_sleep.key]
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.functions

  project      = var.project_id
  name         = each.key
  location     = var.region
  description  = each.value.does
  kms_key_name = var.kms_key
  labels       = local.labels

  build_config {
    runtime           = var.runtime
    entry_point       = each.key
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.functions.id

    source {
      storage_source {
        bucket = google_storage_bucket.sources.name
        object = google_storage_bucket_object.package[each.key].name
      }
    }
  }

  # No event_trigger: events come by the push subscriptions in events.tf (docs/decisions/terraform.md).
  service_config {
    service_account_email            = google_service_account.function[each.key].email
    available_memory                 = "${each.value.memory_mb}M"
    available_cpu                    = local.wants_a_cpu[each.key] ? tostring(local.cpus[each.key]) : null
    timeout_seconds                  = each.value.timeout_sec
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    all_traffic_on_latest_revision   = true
    ingress_settings = (
      !contains(keys(local.http), each.key) ? "ALLOW_INTERNAL_ONLY"
      : var.load_balancer == null ? "ALLOW_ALL" : "ALLOW_INTERNAL_AND_GCLB"
    )
    direct_vpc_egress = var.egress == null ? null : "VPC_EGRESS_ALL_TRAFFIC"
    # Without THREADS, gunicorn runs four requests for each processor that it sees, whatever the concurrency.
    environment_variables = merge(var.settings, local.decided, { THREADS = tostring(each.value.concurrency) })

    dynamic "direct_vpc_network_interface" {
      for_each = google_compute_subnetwork.egress
      content {
        network    = var.egress.network
        subnetwork = direct_vpc_network_interface.value.name
      }
    }

    dynamic "secret_environment_variables" {
      for_each = { for key, right in local.secret_rights : right.secret => right if right.function == each.key }
      content {
        project_id = var.project_id
        key        = secret_environment_variables.key
        secret     = google_secret_manager_secret.this[secret_environment_variables.key].secret_id
        version    = google_secret_manager_secret_version.this[secret_environment_variables.key].version
      }
    }
  }

  lifecycle {
    precondition {
      condition     = try(local.memory_for_files[each.key], 0) <= each.value.memory_mb
      error_message = "Files of a function are in its memory. For videos of ${local.file_mb} MB, ${each.key} needs memory_mb = ${try(local.memory_for_files[each.key], 0)} in `functions`, not ${each.value.memory_mb}; or lower MAX_FILE_SIZE_MB or API_MAX_FILE_SIZE_MB in `settings`."
    }
  }

  # What it needs at its start, and what it is built with.
  depends_on = [time_sleep.grants]
}
