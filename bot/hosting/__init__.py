"""Repositories on GitHub as the server keeps them: their mirrors, and the projects that the core works on."""
