variable "project_id" {
  type = string
}

variable "region" {
  description = "Where the state's bucket and the triggers are."
  type        = string
  default     = "europe-west1"
}

variable "example" {
  description = "Which of terraform/examples is deployed."
  type        = string
  default     = "prod"
}

variable "cloud_build_repository" {
  description = "The repository as Cloud Build is connected to it: projects/…/locations/…/connections/…/repositories/… Null for no triggers."
  type        = string
  default     = null
}

variable "github_repository" {
  description = "OWNER/NAME on GitHub, whose Actions may plan and deploy. Null for none."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^[\\w.-]+/[\\w.-]+$", var.github_repository))
    error_message = "It must be OWNER/NAME."
  }
}
