# Egress: all requests of the functions leave from one address. Each instance takes addresses of the subnetwork itself
# (Direct VPC egress), so that no connector limits what passes and costs while nothing does.
resource "google_compute_subnetwork" "egress" {
  #checkov:skip=CKV_GCP_26: Flow logs would name every host that users' links point to; the functions log what they do.
  count = var.egress == null ? 0 : 1

  project                  = var.project_id
  region                   = var.region
  name                     = "clipwise"
  network                  = var.egress.network
  ip_cidr_range            = var.egress.ip_cidr_range
  private_ip_google_access = true # Google's APIs need no NAT

  depends_on = [google_project_service.this]
}

resource "google_compute_address" "egress" {
  count = var.egress == null ? 0 : 1

  project = var.project_id
  region  = var.region
  name    = "clipwise-egress"

  depends_on = [google_project_service.this]
}

resource "google_compute_router" "egress" {
  count = var.egress == null ? 0 : 1

  project = var.project_id
  region  = var.region
  name    = "clipwise"
  network = var.egress.network

  depends_on = [google_project_service.this]
}

resource "google_compute_router_nat" "egress" {
  count = var.egress == null ? 0 : 1

  project                            = var.project_id
  region                             = var.region
  name                               = "clipwise"
  router                             = google_compute_router.egress[0].name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = [google_compute_address.egress[0].id]
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.egress[0].id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }
}
