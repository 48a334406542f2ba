# Ingress: a load balancer with a domain, and Cloud Armor before it.
resource "google_compute_global_address" "api" {
  count = var.load_balancer == null ? 0 : 1

  project = var.project_id
  name    = "clipwise-api"

  depends_on = [google_project_service.this]
}

resource "google_compute_region_network_endpoint_group" "api" {
  count = var.load_balancer == null ? 0 : 1

  project               = var.project_id
  region                = var.region
  name                  = "clipwise-api"
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloudfunctions2_function.this[one(keys(local.http))].name
  }
}

resource "google_compute_backend_service" "api" {
  count = var.load_balancer == null ? 0 : 1

  project               = var.project_id
  name                  = "clipwise-api"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  security_policy       = google_compute_security_policy.api[0].id

  backend {
    group = google_compute_region_network_endpoint_group.api[0].id
  }

  log_config {
    enable      = true
    sample_rate = 0.1
  }
}

locals {
  # Requests per minute and address, the narrower first; the API limits users besides.
  throttles = var.load_balancer == null ? {} : {
    sign_in = {
      priority = 1000
      when     = "request.path.matches('^/(v1/auth|api/auth)/')"
      most     = var.load_balancer.sign_in_requests_per_minute
    }
    all = {
      priority = 2000
      when     = "true"
      most     = var.load_balancer.requests_per_minute
    }
  }
}

resource "google_compute_security_policy" "api" {
  count = var.load_balancer == null ? 0 : 1

  project = var.project_id
  name    = "clipwise-api"

  # Requests that exploit a known hole of log4j, which some scanners ask for by its number (CVE-2021-44228).
  rule {
    action   = "deny(403)"
    priority = 500
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary', {'sensitivity': 1})"
      }
    }
  }

  dynamic "rule" {
    for_each = local.throttles
    content {
      action   = "throttle"
      priority = rule.value.priority
      match {
        expr {
          expression = rule.value.when
        }
      }
      rate_limit_options {
        enforce_on_key = "IP"
        conform_action = "allow"
        exceed_action  = "deny(429)"
        rate_limit_threshold {
          count        = rule.value.most
          interval_sec = 60
        }
      }
    }
  }

  rule {
    action   = "allow"
    priority = 2147483647
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_compute_managed_ssl_certificate" "api" {
  count = var.load_balancer == null ? 0 : 1

  project = var.project_id
  name    = "clipwise-${substr(sha256(var.load_balancer.domain), 0, 8)}"

  managed {
    domains = [var.load_balancer.domain]
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.this]
}

resource "google_compute_ssl_policy" "api" {
  count = var.load_balancer == null ? 0 : 1

  project         = var.project_id
  name            = "clipwise-api"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.this]
}

resource "google_compute_url_map" "api" {
  count = var.load_balancer == null ? 0 : 1

  project         = var.project_id
  name            = "clipwise-api"
  default_service = google_compute_backend_service.api[0].id
}

resource "google_compute_target_https_proxy" "api" {
  count = var.load_balancer == null ? 0 : 1

  project          = var.project_id
  name             = "clipwise-api"
  url_map          = google_compute_url_map.api[0].id
  ssl_certificates = [google_compute_managed_ssl_certificate.api[0].id]
  ssl_policy       = google_compute_ssl_policy.api[0].id
}

resource "google_compute_global_forwarding_rule" "api" {
  count = var.load_balancer == null ? 0 : 1

  project               = var.project_id
  name                  = "clipwise-api"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  target                = google_compute_target_https_proxy.api[0].id
  ip_address            = google_compute_global_address.api[0].id
  port_range            = "443"
  labels                = local.labels
}

# Who types the domain without https gets there all the same.
resource "google_compute_url_map" "redirect" {
  count = var.load_balancer == null ? 0 : 1

  project = var.project_id
  name    = "clipwise-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT"
    strip_query            = false
  }

  depends_on = [google_project_service.this]
}

resource "google_compute_target_http_proxy" "redirect" {
  count = var.load_balancer == null ? 0 : 1

  project = var.project_id
  name    = "clipwise-redirect"
  url_map = google_compute_url_map.redirect[0].id
}

resource "google_compute_global_forwarding_rule" "redirect" {
  count = var.load_balancer == null ? 0 : 1

  project               = var.project_id
  name                  = "clipwise-redirect"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  target                = google_compute_target_http_proxy.redirect[0].id
  ip_address            = google_compute_global_address.api[0].id
  port_range            = "80"
  labels                = local.labels
}
