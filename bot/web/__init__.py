"""What the server answers over HTTP: webhooks, runners, health."""
