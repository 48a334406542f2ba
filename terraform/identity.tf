# Accounts. Google keeps this configuration when Terraform lets go of it.
resource "google_identity_platform_config" "this" {
  project                    = var.project_id
  autodelete_anonymous_users = true

  authorized_domains = distinct(concat(
    ["${var.project_id}.firebaseapp.com"],
    var.sign_up.domains,
    [for origin in local.origins : regex("^https?://([^/:]+)", origin)[0]],
  ))

  sign_in {
    allow_duplicate_emails = false

    email {
      enabled           = true
      password_required = true
    }
    anonymous {
      enabled = var.sign_up.anonymous
    }
  }

  client {
    permissions {
      disabled_user_signup = !var.sign_up.open
      # The API deletes accounts, together with all that is theirs.
      disabled_user_deletion = true
    }
  }

  depends_on = [google_project_service.this]
}

# The key that every app shows: it names the project and opens nothing by itself.
resource "google_apikeys_key" "app" {
  project      = var.project_id
  name         = "clipwise-app-${formatdate("YYYYMMDDhhmmss", plantimestamp())}"
  display_name = "Clipwise apps"

  restrictions {
    api_targets {
      service = "identitytoolkit.googleapis.com"
    }
    api_targets {
      service = "securetoken.googleapis.com"
    }
    api_targets {
      service = "firestore.googleapis.com"
    }
  }

  # The name of a deleted key stays taken for 30 days, so each gets one of its own, and keeps it.
  lifecycle {
    ignore_changes = [name]
  }

  depends_on = [google_project_service.this]
}
