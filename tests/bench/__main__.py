"""All benchmarks, one after the other: `make bench`."""

from __future__ import annotations

from tests.bench import affected, deploying, large, pull_requests, steps, webhooks

for part in (affected, large, deploying, steps, pull_requests, webhooks):
    print(f"\n== {(part.__doc__ or '').splitlines()[0]}\n", flush=True)
    part.main()
