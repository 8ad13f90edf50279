"""Tests of the GitHub on localhost: held against GitHub's own models and two clients that people use."""
