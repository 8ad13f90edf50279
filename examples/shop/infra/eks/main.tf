variable "vpc_id" {
  type = string
}

variable "subnets" {
  type = list(string)
}

resource "terraform_data" "cluster" {
  input = { vpc = var.vpc_id, subnets = var.subnets, version = "1.33" }
}

resource "terraform_data" "nodes" {
  input = { cluster = terraform_data.cluster.id, size = 3 }
}

output "cluster" {
  value = "eks-${substr(terraform_data.cluster.id, 0, 8)}"
}
