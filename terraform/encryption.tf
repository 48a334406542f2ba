resource "google_kms_crypto_key_iam_member" "services" {
  for_each = var.kms_key == null ? {} : local.agents

  crypto_key_id = var.kms_key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value

  depends_on = [time_sleep.agents]
}

# A grant takes effect within two minutes, typically: https://docs.cloud.google.com/iam/docs/access-change-propagation
resource "time_sleep" "key" {
  count = var.kms_key == null ? 0 : 1

  create_duration = "120s"

  depends_on = [google_kms_crypto_key_iam_member.services]
}
