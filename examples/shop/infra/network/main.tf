# terraform_data is Terraform's own resource without a cloud behind it; the sleeps stand for the minutes of a real one.
variable "REGION" {
  type = string
}

locals {
  zones = ["a", "b"]
}

resource "terraform_data" "vpc" {
  input = { region = var.REGION, cidr = "10.0.0.0/16" }

  provisioner "local-exec" {
    command = "sleep 1.5"
  }
}

resource "terraform_data" "subnet" {
  for_each = toset(local.zones)
  input    = { vpc = terraform_data.vpc.id, zone = "${var.REGION}${each.key}" }
}

output "vpc_id" {
  value = "vpc-${substr(terraform_data.vpc.id, 0, 8)}"
}

output "private_subnets" {
  value = [for zone in local.zones : "subnet-${substr(terraform_data.subnet[zone].id, 0, 8)}"]
}
