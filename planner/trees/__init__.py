"""The files of a commit, and those of a work tree, seen alike."""
