"""`python -m tests.github`: a GitHub of one's own, with an App and a first repository, until Ctrl-C."""

from __future__ import annotations

import argparse
import secrets
import shlex
import signal
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path

from tests.github.localhost import GitHub
from tests.github.world.repository import Repository

WORKFLOW = """environments:
  network:
    vcs: {type: script, path: network}
  database:
    vcs: {type: script, path: database}
    needs: [network]
"""
PLAN = "#!/bin/sh\necho 'nothing to see yet'\nexit 2\n"
APPLY = "#!/bin/sh\necho applied\n"


def main() -> None:
    """Start, tell what one needs, wait."""
    parser = argparse.ArgumentParser(prog="python -m tests.github", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen (default: a free port)")
    parser.add_argument("--folder", type=Path, help="where to keep its repositories (default: a new temporary folder)")
    parser.add_argument("--webhook-url", help="where webhooks go, such as http://127.0.0.1:8000/webhook")
    parser.add_argument("--webhook-secret", default=None, help="what they are signed with (default: a new one)")
    given = parser.parse_args()
    with ExitStack() as ends:
        folder = given.folder or Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="github-")))
        folder.mkdir(parents=True, exist_ok=True)
        github = ends.enter_context(GitHub(folder, port=given.port))
        repository = first_repository(github)
        secret = given.webhook_secret or secrets.token_hex(20)
        app = github.app("acme", given.webhook_url, secret=secret)
        key = folder / "app.pem"
        key.touch(mode=0o600)
        key.write_text(app.private_key)
        tokens = {login: github.world.personal_token(login) for login in ("ada", "bob")}
        at_ada = github.url.replace("://", f"://ada:{tokens['ada']}@")
        for name, found in {
            "Page": f"{github.url}/{repository.full_name}",
            "Webhooks go to": given.webhook_url or "nobody (--webhook-url)",
            "Clone (as ada)": f"git clone {at_ada}/{repository.full_name}.git",
            "Token of ada": tokens["ada"],
            "Token of bob": tokens["bob"],
            "To comment": f"curl -H 'Authorization: Bearer TOKEN' -d '{{\"body\": \"/help\"}}' "
            f"{github.api_url}/repos/{repository.full_name}/issues/NUMBER/comments",
        }.items():
            print(f"{name + ':':<16} {found}", flush=True)
        print("\nIts App, for the terminal of the server:")
        for name, found in {
            "HEADWATER_GITHUB_API_URL": github.api_url,
            "HEADWATER_GITHUB_APP_ID": app.id,
            "HEADWATER_GITHUB_PRIVATE_KEY_FILE": key,
            "HEADWATER_WEBHOOK_SECRET": secret,
            "HEADWATER_OIDC_ISSUER": github.actions.issuer.url,
        }.items():
            print(f"export {name}={shlex.quote(str(found))}", flush=True)
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        stopped.wait()


def first_repository(github: GitHub) -> Repository:
    """`acme/shop`: two environments, and ada and bob who may write."""
    github.world.organization("acme", ["owner"])
    scripts = {f"{folder}/{name}": ("100755", text) for folder in ("network", "database")
               for name, text in (("plan", PLAN), ("apply", APPLY), ("destroy", APPLY))}  # fmt: skip
    return github.repository(
        "acme/shop", {"README.md": "# Shop\n", "headwater.yml": WORKFLOW, **scripts}, write=["ada", "bob"]
    )


if __name__ == "__main__":
    main()
