"""The edge to GitHub, against the GitHub on localhost."""
