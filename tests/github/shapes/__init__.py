"""The world's objects as GitHub's JSON, one file an area. Held against GitHub's own models in tests/github_itself."""
