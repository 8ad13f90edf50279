"""The state of the GitHub on localhost: people, repositories and what they talk about. No HTTP in here."""
