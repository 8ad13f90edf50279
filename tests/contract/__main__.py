"""Are the bodies that the bot sends what GitHub's own description takes? `make contract` (needs npm).

Conversations are told with every body kept that the bot sends to the GitHub on localhost; then each is held against the
schema of its operation in `@octokit/openapi`, which GitHub's description is published as. It is fetched, so not in `make test`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

TOLD = ("first", "traps", "approvals", "locks", "jobs", "direct_pushes", "gates")
_DESCRIPTION = "package/generated/api.github.com.deref.json"


def main(names: Sequence[str] = ()) -> int:
    """Tell the conversations, those of these names or the usual ones, and print what does not fit."""
    if (npm := shutil.which("npm")) is None:
        raise SystemExit("npm is needed to fetch GitHub's description: install Node.js")
    with tempfile.TemporaryDirectory(prefix="headwater-contract-") as folder:
        bodies = Path(folder) / "bodies.jsonl"
        subprocess.run([npm, "pack", "--silent", "@octokit/openapi"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (package,) = Path(folder).glob("*.tgz")
        with tarfile.open(package) as opened, opened.extractfile(_DESCRIPTION) as file:  # type: ignore[union-attr]
            paths = json.load(file)["paths"]
        files = [f"tests/conversations/test_{name}.py" for name in names or TOLD]
        told = [sys.executable, "-m", "pytest", "-q", "-n", str((os.cpu_count() or 1) * 3 // 2), *files]
        subprocess.run(told, env={**os.environ, "HEADWATER_TEST_BODIES": str(bodies)}, check=True)
        sent = [json.loads(line) for line in bodies.read_text().splitlines()]
    wrong = Counter(problem for one in sent for problem in problems(paths, one))
    for problem, times in sorted(wrong.items()):
        print(f"{problem}   ({times} times)")
    kinds = {(one["method"], operation(paths, one["path"])) for one in sent}
    print(f"{len(sent)} bodies of {len(kinds)} operations, {sum(wrong.values())} problems")
    return int(bool(wrong) or not sent)


def problems(paths: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[str]:
    """What GitHub's description does not take of one body: `{"method", "path", "body"}`."""
    template = operation(paths, sent["path"])
    name = f"{sent['method']} {template or sent['path']}"
    told = paths.get(template, {}).get(sent["method"].lower())
    if told is None:
        yield f"{name}: there is no such operation"
        return
    schema = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        if sent["body"]:
            yield f"{name}: it takes no body"
        return
    if not sent["body"] and not told["requestBody"].get("required"):
        return
    for error in Draft202012Validator(_plain(schema)).iter_errors(sent["body"]):
        yield f"{name}: {'/'.join(map(str, error.absolute_path)) or 'the body'}: {error.message[:200]}"
    known = {
        key for one in (schema, *schema.get("oneOf", ()), *schema.get("anyOf", ())) for key in one.get("properties", ())
    }
    for key in sorted(set(sent["body"]) - known) if known else ():
        yield f"{name}: {key} is not described"


def operation(paths: Mapping[str, Any], path: str) -> str:
    """The path as GitHub describes it, the one with the most words of its own; empty for none."""
    fitting = [one for one in paths if re.fullmatch(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(one)), path)]
    return max(fitting, key=lambda one: len(re.sub(r"\{[^}]*\}", "", one)), default="")


def _plain(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as one of JSON Schema: what may be null is said by its type."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _plain(one) for key, one in schema.items() if key not in ("nullable", "example", "examples", "format")}
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made:
            made["enum"] = [*made["enum"], None]
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
