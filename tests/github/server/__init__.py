"""HTTP: one small router, who calls and what it may do, and one file of routes an area."""
