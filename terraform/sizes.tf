# What the functions take of processors and memory, in all and for a video.
locals {
  # Processors of an instance: a whole one where several requests share it or the work is heavy, and at least what
  # Cloud Run functions gives to its memory.
  cpus_of_memory = [[128, 0.083], [256, 0.167], [512, 0.333], [1024, 0.583], [2048, 1], [8192, 2], [16384, 4], [32768, 8]]
  cpus_by_memory = {
    for name, row in local.functions : name => [for tier in local.cpus_of_memory : tier[1] if row.memory_mb <= tier[0]][0]
  }
  wants_a_cpu = { for name, row in local.functions : name => row.concurrency > 1 || try(row.cpu_bound, false) }
  cpus        = { for name, cpus in local.cpus_by_memory : name => local.wants_a_cpu[name] ? max(1, cpus) : cpus }

  # Cloud Run refuses a deployment whose instances could together exceed the region's quota.
  required = {
    cpus       = ceil(sum([for name, row in local.functions : row.max_instances * local.cpus[name]]))
    memory_gib = ceil(sum([for row in values(local.functions) : row.max_instances * row.memory_mb]) / 1024)
    addresses  = 2 * sum([for row in values(local.functions) : row.max_instances]) # with Direct VPC egress
  }

  # The largest file that a job may have, and where memory must hold it: /tmp of a function is memory.
  in_memory     = { for name, row in local.functions : name => row if try(row.files, null) != null }
  table_file_mb = min([for row in values(local.table.functions) : floor((row.memory_mb - row.files.work_mb) / row.files.copies / 10) * 10 if try(row.files, null) != null]...)
  file_mb = max(
    try(tonumber(var.settings.MAX_FILE_SIZE_MB), 100),
    try(tonumber(var.settings.API_MAX_FILE_SIZE_MB), local.table_file_mb),
  )
  memory_for_files = { for name, row in local.in_memory : name => row.files.work_mb + row.files.copies * local.file_mb }
}
