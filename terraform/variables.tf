variable "project_id" {
  description = "The Google Cloud project. One installation has a project of its own."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and hyphens, such as my-clipwise."
  }
}

variable "region" {
  description = "Where functions and buckets are."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "It must be a region such as europe-west1."
  }
}

variable "firestore_location" {
  description = "Where the documents are: a region, or a multi-region such as eur3 or nam5. It can never be changed."
  type        = string
  default     = null
}

variable "packages" {
  description = "The folder into which `make package` has put the functions' packages."
  type        = string
}

variable "runtime" {
  description = "The functions' Python: python311 to python314."
  type        = string
  default     = "python313"

  validation {
    condition     = contains(["python311", "python312", "python313", "python314"], var.runtime)
    error_message = "Clipwise supports the runtimes python311, python312, python313 and python314."
  }
}

variable "settings" {
  description = "Environment of the functions: settings by name, as docs/configuration.md lists them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.settings) : contains(keys(local.known), name) || can(regex("^AI_PROVIDER_[A-Z]+$", name))])
    error_message = "There is no setting ${join(", ", [for name in keys(var.settings) : name if !contains(keys(local.known), name) && !can(regex("^AI_PROVIDER_[A-Z]+$", name))])}; docs/configuration.md lists them all."
  }
  validation {
    condition     = alltrue([for name, value in var.settings : can(regex(try(local.known[name].pattern, ".*"), value))])
    error_message = "These settings have values that the functions would refuse to start with: ${join(", ", [for name, value in var.settings : "${name} (${local.known[name].is})" if !can(regex(try(local.known[name].pattern, ".*"), value))])}."
  }
  validation {
    condition     = alltrue([for name in keys(var.settings) : try(local.known[name].set_by, "you") == "you"])
    error_message = "These are not yours to set here, but decided by the deployment, secrets (see `secrets`) or for other places: ${join(", ", [for name in keys(var.settings) : name if try(local.known[name].set_by, "you") != "you"])}."
  }
}

variable "secrets" {
  description = "Which secrets there are, and the number of their value: raise it to have a new value written, which the functions then get."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for name in keys(var.secrets) : contains(flatten([for row in values(local.table.functions) : row.secrets]), name)])
    error_message = "Only these secrets are read by a function: ${join(", ", distinct(flatten([for row in values(local.table.functions) : row.secrets])))}."
  }
  validation {
    condition     = alltrue([for version in values(var.secrets) : version >= 1 && floor(version) == version])
    error_message = "The number of a secret's value must be 1 or more, and whole."
  }
}

variable "secret_values" {
  description = "Values of those secrets, given while one is new or its number is raised; kept in no state and no plan. Best set as TF_VAR_secret_values."
  type        = map(string)
  default     = {}
  sensitive   = true
  ephemeral   = true
}

variable "functions" {
  description = "Other sizes than the wiring table's, by function."
  type = map(object({
    memory_mb     = optional(number)
    concurrency   = optional(number)
    min_instances = optional(number)
    max_instances = optional(number)
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.functions) : contains(keys(local.table.functions), name)])
    error_message = "The functions are ${join(", ", keys(local.table.functions))}."
  }
  validation {
    condition = alltrue([for each in values(var.functions) :
      coalesce(each.memory_mb, 256) >= 256 && coalesce(each.memory_mb, 256) <= 32768
      && coalesce(each.concurrency, 1) >= 1 && coalesce(each.concurrency, 1) <= 1000
      && coalesce(each.min_instances, 0) >= 0 && coalesce(each.max_instances, 1) >= 1
    ])
    error_message = "memory_mb must be 256 to 32768, concurrency 1 to 1000, min_instances 0 or more, max_instances 1 or more."
  }
}

variable "quota" {
  description = "What Cloud Run grants the project in the region, by all instances together. A new project has 20 vCPU and 40 GiB; `clipwise doctor --project ID --before-apply` reads yours."
  type = object({
    cpus       = optional(number, 20)
    memory_gib = optional(number, 40)
  })
  default = {}

  validation {
    condition     = local.required.cpus <= var.quota.cpus && local.required.memory_gib <= var.quota.memory_gib
    error_message = "All instances together may take ${local.required.cpus} vCPU and ${local.required.memory_gib} GiB, but the quota is ${var.quota.cpus} vCPU and ${var.quota.memory_gib} GiB, and Cloud Run refuses such a deployment. Lower max_instances in `functions`, or have the quota raised and say so in `quota`."
  }
}

variable "drop_bucket" {
  description = "A bucket whose objects become jobs. owner: the id of the account that owns them. kind: their kind of analysis. days: when objects are deleted from the bucket; a job has a copy of its own."
  type = object({
    owner = string
    kind  = optional(string, "summary")
    days  = optional(number, 30)
  })
  default = null

  validation {
    condition     = var.drop_bucket == null || can(regex("^[A-Za-z0-9_-]{1,128}$", var.drop_bucket.owner))
    error_message = "owner must be the id of an account, as `clipwise whoami` shows it."
  }
  validation {
    condition     = var.drop_bucket == null || can(regex(local.known.DROP_KIND.pattern, var.drop_bucket.kind))
    error_message = "kind must be ${local.known.DROP_KIND.is}."
  }
  validation {
    condition     = var.drop_bucket == null || try(var.drop_bucket.days >= 1 && floor(var.drop_bucket.days) == var.drop_bucket.days, false)
    error_message = "days must be 1 or more, and whole."
  }
}

variable "embedding_dimensions" {
  description = "Further widths of embeddings: Firestore finds only vectors for whose width there is an index. Those of the default models and of models in the packages are always there."
  type        = set(number)
  default     = []

  validation {
    condition     = alltrue([for width in var.embedding_dimensions : width >= 1 && width <= 2048 && floor(width) == width])
    error_message = "Firestore's vectors have 1 to 2048 numbers."
  }
}

variable "api_invokers" {
  description = "Who may reach the API at all; it asks everybody for a token of an account besides."
  type        = list(string)
  default     = ["allUsers"]

  validation {
    condition     = alltrue([for each in var.api_invokers : can(regex("^(allUsers|allAuthenticatedUsers|(user|group|serviceAccount|domain):.+)$", each))])
    error_message = "Each must be allUsers, allAuthenticatedUsers, or user:, group:, serviceAccount: or domain: and a name."
  }
}

variable "sign_up" {
  description = "How accounts come to be: by e-mail and password, if `open`; without one, if `anonymous`. `domains` are the web pages that sign-in may come from."
  type = object({
    open      = optional(bool, true)
    anonymous = optional(bool, false)
    domains   = optional(list(string), [])
  })
  default = {}
}

variable "retention" {
  description = "uploads_days: the latest end of a source that nothing else deleted. deleted_media_days: how long deleted media can be brought back. media_days: when media are deleted whatever their job (null: never). backups_days: how long daily backups of the documents are kept (0: none). undo_days_7: documents as of any minute of the last seven days."
  type = object({
    uploads_days       = optional(number, 9)
    deleted_media_days = optional(number, 7)
    media_days         = optional(number)
    backups_days       = optional(number, 0)
    undo_days_7        = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.retention.uploads_days * 24 >= tonumber(lookup(var.settings, "SOURCE_RETENTION_HOURS", "24")) + 48
    error_message = "uploads_days must leave SOURCE_RETENTION_HOURS and two days for the job itself."
  }
  validation {
    condition     = var.retention.deleted_media_days == 0 || (var.retention.deleted_media_days >= 7 && var.retention.deleted_media_days <= 90)
    error_message = "deleted_media_days must be 0 or 7 to 90; Cloud Storage knows nothing in between."
  }
  validation {
    condition     = var.retention.backups_days >= 0 && var.retention.backups_days <= 98
    error_message = "backups_days must be 0 to 98."
  }
}

variable "deletion_protection" {
  description = "Whether buckets with objects and the database refuse to be deleted, by Terraform too."
  type        = bool
  default     = true
}

variable "alerts" {
  description = "Who gets mails, and when. availability: the share of the API's requests in four weeks that may not be answered with a server error. budget: what a month of the whole project may cost; needs the right to the billing account."
  type = object({
    emails               = optional(list(string), [])
    failed_jobs_per_hour = optional(number, 20)
    latency_share        = optional(number, 0.8)
    oldest_event_sec     = optional(number, 3600)
    api_errors_per_5_min = optional(number, 10)
    api_median_ms        = optional(number, 2000)
    availability         = optional(number, 0.995)
    budget = optional(object({
      billing_account = string
      amount          = number
      currency        = optional(string, "USD")
    }))
  })
  default = {}

  validation {
    condition     = alltrue([for email in var.alerts.emails : can(regex("^[^@\\s]+@[^@\\s]+$", email))])
    error_message = "Each of the emails must be an e-mail address."
  }
  validation {
    condition     = var.alerts.latency_share > 0 && var.alerts.latency_share < 1
    error_message = "latency_share is a share of a function's timeout, between 0 and 1."
  }
  validation {
    condition     = var.alerts.availability > 0 && var.alerts.availability < 1
    error_message = "availability is a share of requests, such as 0.995; at 1 no error would be allowed."
  }
}

variable "load_balancer" {
  description = "A load balancer with a domain of yours and Cloud Armor in front of the API, which then can be reached no other way. It costs 25 to 30 dollars a month at rest."
  type = object({
    domain                      = string
    requests_per_minute         = optional(number, 300)
    sign_in_requests_per_minute = optional(number, 30)
  })
  default = null

  validation {
    condition     = var.load_balancer == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.load_balancer.domain))
    error_message = "domain must be a host name such as api.example.com."
  }
}

variable "kms_key" {
  description = "A Cloud KMS key in `region` that encrypts documents, objects, messages, secrets and packages. For documents it can be chosen at the first apply only."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key == null || can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", var.kms_key))
    error_message = "It must be the key's full name, projects/…/locations/…/keyRings/…/cryptoKeys/…"
  }
}

variable "egress" {
  description = "A network that all requests of the functions leave through, from one fixed address. It costs some 4 dollars a month at rest, and Cloud NAT's price for what passes. A cold start may take half a minute longer."
  type = object({
    network       = optional(string, "default")
    ip_cidr_range = optional(string, "10.8.0.0/22")
  })
  default = null

  validation {
    condition     = var.egress == null || try(tonumber(regex("/([0-9]+)$", var.egress.ip_cidr_range)[0]) <= 26, false)
    error_message = "ip_cidr_range must be a free range of the network with a mask of /26 or shorter, such as 10.8.0.0/22."
  }
  validation {
    condition     = var.egress == null || try(pow(2, 32 - tonumber(regex("/([0-9]+)$", var.egress.ip_cidr_range)[0])) - 4 >= local.required.addresses, true)
    error_message = "All instances together take ${local.required.addresses} addresses, two for each: ip_cidr_range must have more."
  }
}

variable "labels" {
  description = "Labels of everything that can have some."
  type        = map(string)
  default     = {}
}
