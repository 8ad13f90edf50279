"""Figures as people read them, in a terminal and on a pull request alike."""

from __future__ import annotations

from collections.abc import Mapping


def plan_counts(counts: Mapping[str, int]) -> str:
    """Counts as signs: added, changed, replaced, destroyed, then what is moved, imported, or an output."""
    signs = (("add", "+"), ("change", "~"), ("replace", "±"), ("destroy", "-"))
    parts = [f"{sign}{counts[name]}" for name, sign in signs if counts.get(name)]
    words = (("move", "moved"), ("import", "imported"))
    parts += [f"{counts[name]} {word}" for name, word in words if counts.get(name)]
    if not parts and counts.get("outputs_changed"):
        return "outputs only"
    return " ".join(parts)


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `1 h 02 min`; nothing takes no time, whatever the clock did."""
    if seconds < 10:
        return f"{max(seconds, 0.1):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
