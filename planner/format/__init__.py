"""What one workflow file says: from bytes to checked values, every problem with its place."""
