# For people who rely on it: a domain of its own behind Cloud Armor, a key of yours, backups, alerts and a budget.
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

  # The bucket is given at `init`: -backend-config=bucket=NAME
  backend "gcs" {
    prefix = "clipwise"
  }
}

variable "project_id" {
  type = string
}

variable "domain" {
  description = "Where the API is to be reached, such as api.example.com."
  type        = string
}

variable "frontend_url" {
  description = "Origins of your web pages, by commas."
  type        = string
}

variable "alert_emails" {
  type = list(string)
}

variable "billing_account" {
  type = string
}

variable "kms_key" {
  type    = string
  default = null
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
  project               = var.project_id
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
  region     = "europe-west1"
  packages   = abspath("${path.root}/../../../dist")

  secrets       = { SIGNING_KEY = 1, GEMINI_API_KEY = 1, OPENAI_API_KEY = 1, APIFY_TOKEN = 1 }
  secret_values = var.secret_values

  settings = {
    FRONTEND_URL       = var.frontend_url
    MONTHLY_BUDGET_USD = "5"
  }
  # Ask for the quota before (docs/deploy.md); a new project has 20 vCPU and 40 GiB.
  quota = { cpus = 200, memory_gib = 400 }
  functions = {
    api        = { min_instances = 1, max_instances = 20 }
    download   = { max_instances = 20 }
    extract    = { max_instances = 40 }
    transcribe = { max_instances = 40 }
    analyze    = { max_instances = 40 }
    persist    = { max_instances = 10 }
    crawl      = { max_instances = 10 }
    validate   = { max_instances = 10 }
    export     = { max_instances = 5 }
    notify     = { max_instances = 5 }
    release    = { max_instances = 5 }
  }
  retention     = { backups_days = 14, undo_days_7 = true }
  load_balancer = { domain = var.domain }
  egress        = {}
  kms_key       = var.kms_key
  alerts = {
    emails = var.alert_emails
    budget = { billing_account = var.billing_account, amount = 200 }
  }
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

output "load_balancer_address" {
  value = module.clipwise.load_balancer_address
}

output "dashboard" {
  value = module.clipwise.dashboard
}
