"""The edge to GitHub: its API as Headwater needs it, its errors, its limits, and who a job says it is."""
