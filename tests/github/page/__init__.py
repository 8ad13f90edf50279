"""Pages as people see them: pull requests with rendered comments, checks, deployments; runs with their logs."""
