variable "vpc_id" {
  type = string
}

locals {
  port       = 5432
  storage_gb = 20
}

resource "terraform_data" "instance" {
  input = { vpc = var.vpc_id, engine = "postgres", version = "17", port = local.port, storage_gb = local.storage_gb }

  provisioner "local-exec" {
    command = "sleep 2"
  }
}

resource "terraform_data" "password" {
  input            = "not-a-real-password"
  triggers_replace = [terraform_data.instance.id]
}

output "name" {
  value = "shop-${substr(terraform_data.instance.id, 0, 8)}"
}

output "url" {
  value     = "postgres://shop:${terraform_data.password.output}@db.${var.vpc_id}.example:${local.port}/shop"
  sensitive = true
}
