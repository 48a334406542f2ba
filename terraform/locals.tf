locals {
  # The one table of the wiring, which the local places and the tests read, too.
  table     = yamldecode(file("${path.module}/../functions/pipeline.yaml"))
  rights    = { for name in keys(local.functions) : name => yamldecode(file("${path.module}/rights.yaml"))[name] }
  known     = jsondecode(file("${path.module}/settings.json"))
  firestore = jsondecode(file("${path.module}/../infra/firestore/firestore.indexes.json"))

  # What `make package` says that packages with local models need.
  needs_file = "${var.packages}/needs.json"
  needs      = jsondecode(fileexists(local.needs_file) ? file(local.needs_file) : jsonencode({ memory_mb = {}, embedding_dimensions = [], models = [] }))

  embedding_dimensions = setunion(
    flatten([for index in local.firestore.indexes : [for field in index.fields : field.vectorConfig.dimension if can(field.vectorConfig)]]),
    local.needs.embedding_dimensions,
    var.embedding_dimensions,
  )

  # Optional functions exist only with the drop bucket, and the bucket that triggers them likewise.
  left_out = { for name, row in local.table.functions : name => row if var.drop_bucket == null && try(row.optional, false) }
  buckets  = { for name, purpose in local.table.buckets : name => purpose if !contains([for row in values(local.left_out) : row.trigger.bucket], name) }

  functions = {
    for name, row in local.table.functions : name => merge(
      row,
      { memory_mb = lookup(local.needs.memory_mb, name, row.memory_mb) },
      { for key, value in try(var.functions[name], {}) : key => value if value != null },
    ) if !contains(keys(local.left_out), name)
  }
  http   = { for name, row in local.functions : name => row if try(row.trigger.http, false) }
  pushed = { for name, row in local.functions : name => row if !try(row.trigger.http, false) }

  # The topic whose messages are pushed to a function. A bucket tells of its objects on a topic of its own.
  topic_of = {
    for name, row in local.pushed : name => (
      try(row.trigger.bucket, null) == null ? row.trigger.topic : "${row.trigger.bucket}-finalized"
    )
  }
  notifying   = toset([for row in values(local.pushed) : row.trigger.bucket if try(row.trigger.bucket, null) != null])
  dead_letter = local.table.dead_letter_topic
  published   = flatten([for row in values(local.functions) : [for name in row.publishes : name if !contains(keys(local.table.buckets), name)]])
  topics      = setunion(toset(values(local.topic_of)), toset(local.published), [local.dead_letter])

  # Whoever finds a stage's attempts used up says so on the dead-letter topic.
  stages = [for name, row in local.pushed : local.topic_of[name] if try(row.weight, 0) > 0 && try(row.trigger.topic, null) != null]
  publishers = merge([
    for name, row in local.functions : {
      for topic in setunion(
        [for target in row.publishes : target if !contains(keys(local.table.buckets), target)],
        try(local.rights[name].restarts, false) ? local.stages : [],
        [local.dead_letter],
      ) : "${name}/${topic}" => { function = name, topic = topic }
    }
  ]...)

  object_rights = merge(flatten([
    for name, row in local.rights : [
      for bucket, verbs in try(row.objects, {}) : {
        for verb in verbs : "${name}/${bucket}/${verb}" => { function = name, bucket = bucket, verb = verb }
      }
    ]
  ])...)

  secret_rights = merge([
    for name, row in local.functions : {
      for secret in row.secrets : "${name}/${secret}" => { function = name, secret = secret } if contains(keys(var.secrets), secret)
    }
  ]...)

  # Pub/Sub's limits.
  ack_sec    = { min = 10, max = 600 }
  deliveries = { min = 5, max = 100 }

  prefix    = "${var.project_id}-"
  origins   = compact([for origin in split(",", lookup(var.settings, "FRONTEND_URL", "")) : trimsuffix(trimspace(origin), "/")])
  vertexai  = lookup(var.settings, "GOOGLE_GENAI_USE_VERTEXAI", "false") == "true"
  telemetry = lookup(var.settings, "OTEL_EXPORTER_OTLP_ENDPOINT", "") == "https://telemetry.googleapis.com"
  number    = data.google_project.this.number

  # Known before the function is there, so that it can be told its own address.
  api_url = (
    var.load_balancer == null
    ? "https://${one(keys(local.http))}-${local.number}.${var.region}.run.app"
    : "https://${var.load_balancer.domain}"
  )

  # What the deployment decides; `settings` has the rest.
  decided = {
    CLIPWISE_PLACE       = "gcp"
    GOOGLE_CLOUD_PROJECT = var.project_id
    BUCKET_PREFIX        = local.prefix
    PUBLIC_URL           = local.api_url
    IDENTITY             = "firebase"
    FIREBASE_API_KEY     = google_apikeys_key.app.key_string
    PACKAGED_MODELS      = join(",", local.needs.models)
    DROP_OWNER           = try(var.drop_bucket.owner, "")
    DROP_KIND            = try(var.drop_bucket.kind, "")
    # The balancer appends the client's address and its own.
    TRUSTED_PROXIES = var.load_balancer == null ? "1" : "2"
  }

  labels = merge({ app = "clipwise" }, var.labels)
}

data "google_project" "this" {
  project_id = var.project_id
}
