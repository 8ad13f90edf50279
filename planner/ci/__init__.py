"""What a CI needs to know: job matrices, and whole files for people who want no bot."""
