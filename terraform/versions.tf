terraform {
  # 1.11 brought write-only arguments: values of secrets reach Secret Manager and no state.
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}
