"""What can be asked of one repository on GitHub, one file an area; `RepositoryClient` has them all."""
