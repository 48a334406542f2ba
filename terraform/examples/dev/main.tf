# A place to try things in: cheap, and easily thrown away. It costs next to nothing at rest.
terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.21, < 8"
    }
    google-beta = {
      source  = "hashicorp/google-beta"
      version = ">= 7.21, < 8"
    }
    time = {
      source  = "hashicorp/time"
      version = "~> 0.13"
    }
  }
}

variable "project_id" {
  type = string
}

variable "adopt" {
  description = "What the project has already, and Terraform takes over: identity_platform, database."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.adopt, ["identity_platform", "database"])) == 0
    error_message = "Only identity_platform and database can be adopted."
  }
}

variable "secret_values" {
  type      = map(string)
  default   = {}
  sensitive = true
  ephemeral = true
}

provider "google" {
  project = var.project_id
  # Some of the services want to know which project asks.
  billing_project       = var.project_id
  user_project_override = true
}

provider "google-beta" {
  project               = var.project_id
  billing_project       = var.project_id
  user_project_override = true
}

module "clipwise" {
  source = "../.."

  project_id = var.project_id
  packages   = abspath("${path.root}/../../../dist")

  # SIGNING_KEY protects links and webhooks. With no key of an AI service the offline provider reads what is in the video.
  # With one: secrets = { SIGNING_KEY = 1, GEMINI_API_KEY = 1 }, and TF_VAR_secret_values in the environment of the next
  # apply (docs/deploy.md).
  secrets       = { SIGNING_KEY = 1 }
  secret_values = var.secret_values

  settings = {
    FRONTEND_URL            = "http://localhost:5173"
    VERIFIED_EMAIL_REQUIRED = "false"
  }
  sign_up             = { anonymous = true }
  deletion_protection = false
  retention           = { deleted_media_days = 0 }
}

import {
  for_each = setintersection(var.adopt, ["identity_platform"])
  to       = module.clipwise.google_identity_platform_config.this
  id       = "projects/${var.project_id}/config"
}

import {
  for_each = setintersection(var.adopt, ["database"])
  to       = module.clipwise.google_firestore_database.this
  id       = "projects/${var.project_id}/databases/(default)"
}

output "api_url" {
  value = module.clipwise.api_url
}

output "app" {
  value = module.clipwise.app
}

output "dashboard" {
  value = module.clipwise.dashboard
}
