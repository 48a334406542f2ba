terraform {
  # 1.11 brought write-only arguments: values of secrets reach Secret Manager and no state.
  required_version = ">= 1.11"

  required_providers {
    # 7.21 brought Direct VPC egress of functions.
    google = {
      source  = "hashicorp/google"
      version = ">= 7.21, < 8"
    }
    # Only for the identities of Google's services (agents.tf).
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
