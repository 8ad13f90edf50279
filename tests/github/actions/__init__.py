"""GitHub Actions on this machine: workflow files read strictly, expanded, scheduled and run as processes."""
