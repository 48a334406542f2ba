# `terraform test`, with Google mocked: what a person who changes the module can run in seconds.
mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }
}

mock_provider "google-beta" {}

mock_provider "time" {}

variables {
  project_id = "my-clipwise"
  packages   = "../dist"
}

run "table" {
  command = plan

  assert {
    condition     = toset(keys(google_cloudfunctions2_function.this)) == toset([for name, row in local.table.functions : name if !try(row.optional, false)])
    error_message = "There must be one function for each row of the table, but none that is optional."
  }
  assert {
    condition     = alltrue([for name, row in local.pushed : google_pubsub_subscription.function[name].ack_deadline_seconds >= row.timeout_sec])
    error_message = "A message would come again while its function is still at it."
  }
  assert {
    condition     = alltrue([for each in google_pubsub_subscription.function : length(each.dead_letter_policy) == 1 && length(each.retry_policy) == 1])
    error_message = "Every subscription must have a backoff and dead letters."
  }
  assert {
    condition     = alltrue([for each in google_storage_bucket.data : each.public_access_prevention == "enforced" && each.uniform_bucket_level_access])
    error_message = "No bucket may be public."
  }
  assert {
    condition     = [for each in google_cloudfunctions2_function.this : each.name if each.service_config[0].ingress_settings != "ALLOW_INTERNAL_ONLY"] == keys(local.http)
    error_message = "Only the API may be called from outside."
  }
  assert {
    condition     = google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "Documents must be protected unless somebody says otherwise."
  }
  assert {
    condition     = length(google_compute_security_policy.api) + length(google_compute_subnetwork.egress) + length(google_kms_crypto_key_iam_member.services) == 0
    error_message = "What costs something at rest is made only when it is asked for."
  }
  assert {
    condition     = output.api_url == "https://api-123456789012.europe-west1.run.app"
    error_message = "The API's address must be known before it is there."
  }
}

run "balancer" {
  command = plan

  variables {
    load_balancer = { domain = "api.example.com" }
  }

  assert {
    condition     = google_cloudfunctions2_function.this["api"].service_config[0].ingress_settings == "ALLOW_INTERNAL_AND_GCLB"
    error_message = "There must be no way past the load balancer."
  }
  assert {
    condition     = output.api_url == "https://api.example.com"
    error_message = "Links must be made from the domain."
  }
}

run "drop_bucket" {
  command = plan

  variables {
    drop_bucket = { owner = "a1", kind = "recipe", days = 5 }
  }

  assert {
    condition     = toset(keys(google_cloudfunctions2_function.this)) == toset(keys(local.table.functions))
    error_message = "Its function must be there."
  }
  assert {
    condition     = google_storage_bucket.data["drop"].public_access_prevention == "enforced" && [for rule in google_storage_bucket.data["drop"].lifecycle_rule : one(rule.condition).age if one(rule.action).type == "Delete"] == [5]
    error_message = "It must be closed, and delete objects after its days."
  }
}

run "wrong_drop_bucket" {
  command = plan

  variables {
    drop_bucket = { owner = "a1", kind = "recipes" }
  }

  expect_failures = [var.drop_bucket]
}

run "wrong_setting" {
  command = plan

  variables {
    settings = { MAX_FILE_SIZE_MB = "many" }
  }

  expect_failures = [var.settings]
}

run "unsupported_runtime" {
  command = plan

  variables {
    runtime = "python310"
  }

  expect_failures = [var.runtime]
}

run "wrong_function" {
  command = plan

  variables {
    functions = { nobody = { memory_mb = 512 } }
  }

  expect_failures = [var.functions]
}
