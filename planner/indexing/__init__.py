"""What is known of a commit, kept by its tree and compared fast."""
