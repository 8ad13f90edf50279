"""What Terraform and OpenTofu read outside an environment's folder.

Local modules (`source = "../modules/vpc"`), transitively; what `file`, `templatefile`, `fileset` and their kin read
by a constant path; and every other constant text that begins with `${path.module}` or `${path.root}`, for that is
how an archive's `source_dir` or an object's `source` names files. Never what stands in comments, plain texts or
heredocs. A path that only a plan could compute is not found: `watch` is for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from planner.definition import Json
from planner.sources.hcl import HEREDOC, NAME, SIGN, TEXT, Token, template_of, tokens_of
from planner.sources.references import MODULE, ROOT, References, Source, merged

READING_CALLS = frozenset(
    (
        *("file", "fileexists", "templatefile", "filebase64", "filemd5"),
        *("filesha1", "filesha256", "filesha512", "filebase64sha256", "filebase64sha512"),
    )
)
_STARTS = {"path.module": MODULE, "path.root": ROOT, "path.cwd": ROOT}
_IN_EXPRESSIONS = (b"file", b"path.")
_WORTH_READING = (b"module", b"backend", b"cloud", *_IN_EXPRESSIONS)

Place = tuple[str, str]
"""Where a path starts, and the path."""


def references(name: str, content: bytes) -> References:
    """What one file refers to; a file that is broken refers to what can still be seen."""
    if not any(word in content for word in _WORTH_READING):
        return References()
    text = content.decode("utf-8", "replace")
    if name.endswith(".json"):
        return _of_json(text)
    tokens = tokens_of(text)
    blocks = _of_blocks(tokens)
    return merged([blocks, _of_expressions(tokens)]) if any(word in content for word in _IN_EXPRESSIONS) else blocks


def _is_terraform(name: str) -> bool:
    return name.endswith((".tf", ".tf.json"))


def _is_opentofu(name: str) -> bool:
    return name.endswith((".tf", ".tf.json", ".tofu", ".tofu.json"))


TERRAFORM = Source("terraform", _is_terraform, references)
OPENTOFU = Source("opentofu", _is_opentofu, references)


def _of_blocks(tokens: Sequence[Token]) -> References:
    """The `source` of top-level module blocks, and whether a terraform block declares a backend."""
    modules: list[str] = []
    backend = False
    for block, at in _attributes(tokens):
        name = tokens[at].text
        if block == "module" and name == "source" and _is_sign(tokens, at + 1, "=") and at + 2 < len(tokens):
            modules += _module(tokens[at + 2])
        backend = backend or (block == "terraform" and name in ("backend", "cloud"))
    return References(modules=tuple(sorted(set(modules))), backend=backend)


def _attributes(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """The names that stand directly in a top-level block: the block's type, and where."""
    depth, block = 0, ""
    for at, token in enumerate(tokens):
        if token.sort is SIGN and token.text in "{([":
            depth += 1
        elif token.sort is SIGN and token.text in "})]":
            depth = max(0, depth - 1)
            block = block if depth else ""
        elif token.sort is NAME and depth == 0:
            block = block or token.text  # what follows it are labels
        elif token.sort is NAME and depth == 1:
            yield block, at


def _module(token: Token) -> Iterator[str]:
    """The folder of a local module; addresses of registries and of other repositories are none."""
    place = _constant(token)
    if place is not None and place[0] == MODULE:
        yield place[1].lstrip("/") or "."
    elif place is not None and place[1].startswith(("./", "../")):
        yield place[1]


def _of_expressions(tokens: Sequence[Token]) -> References:
    """The paths that expressions read, at any depth."""
    paths: list[Place] = []
    filesets: list[tuple[str, str, str]] = []
    waiting = [tokens]
    while waiting:
        level = waiting.pop()
        of_fileset = -1  # its folder is read by its glob, not as a whole
        for at, token in enumerate(level):
            if token.sort is NAME and _is_sign(level, at + 1, "("):
                if token.text in READING_CALLS:
                    paths += _argument(level, at + 2)
                elif token.text == "fileset":
                    of_fileset = at + 2
                    filesets += _fileset(level, of_fileset)
            elif token.sort in (TEXT, HEREDOC):
                waiting += [part for part in token.parts if not isinstance(part, str)]
                place = _constant(token)
                if place is not None and len(token.parts) > 1 and at != of_fileset:
                    paths.append(place)
    return References(paths=tuple(paths), filesets=tuple(filesets))


def _argument(tokens: Sequence[Token], at: int) -> Iterator[Place]:
    """A constant path that is a whole argument."""
    place = _constant(tokens[at]) if at < len(tokens) else None
    if place is not None and (_is_sign(tokens, at + 1, ",") or _is_sign(tokens, at + 1, ")")):
        yield place


def _fileset(tokens: Sequence[Token], at: int) -> Iterator[tuple[str, str, str]]:
    """The folder and glob of a fileset; a glob that is computed may be any."""
    folder = _folder_argument(tokens, at)
    if folder is None or not _is_sign(tokens, at + 1, ","):
        return
    glob = _constant(tokens[at + 2]) if at + 2 < len(tokens) else None
    ended = _is_sign(tokens, at + 3, ")") or _is_sign(tokens, at + 3, ",")
    known = glob is not None and glob[0] == ROOT and ended
    yield (*folder, glob[1] if known and glob is not None else "**")


def _folder_argument(tokens: Sequence[Token], at: int) -> Place | None:
    """A constant text, or a bare `path.module`."""
    if at >= len(tokens):
        return None
    if tokens[at].sort is NAME:
        start = _STARTS.get(tokens[at].text)
        return None if start is None else (start, "")
    return _constant(tokens[at])


def _constant(token: Token) -> Place | None:
    """The path that a text is, if nothing but `path.module` and `path.root` has to be computed."""
    if token.sort is not TEXT or not token.parts:
        return None
    first, *rest = token.parts
    if not all(isinstance(part, str) for part in rest):
        return None
    tail = "".join(part for part in rest if isinstance(part, str))
    if isinstance(first, str):
        return ROOT, first + tail
    start = _STARTS.get(first[0].text) if len(first) == 1 else None
    return (start, tail.lstrip("/")) if start is not None and tail[:1] in ("", "/") else None


def _is_sign(tokens: Sequence[Token], at: int, sign: str) -> bool:
    return at < len(tokens) and tokens[at].sort is SIGN and tokens[at].text == sign


def _of_json(text: str) -> References:
    try:
        document: Json = json.loads(text)
    except (ValueError, RecursionError):
        return References()
    if not isinstance(document, dict):
        return References()
    named = [pair for block in _blocks(document.get("module")) for pair in block.items()]
    bodies = [body for name, value in named if name != "//" for body in _blocks(value)]
    modules = [path for body in bodies for path in _json_module(body.get("source"))]
    terraform = [block for block in _blocks(document.get("terraform")) if {"backend", "cloud"} & block.keys()]
    found = [_of_expressions([template_of(value)]) for value in _texts(document) if "${" in value]
    return merged([References(modules=tuple(modules), backend=bool(terraform)), *found])


def _blocks(value: Json) -> list[dict[str, Json]]:
    """The bodies of a block: one, or a list of them."""
    those = value if isinstance(value, list) else [value]
    return [one for one in those if isinstance(one, dict)]


def _json_module(source: Json) -> Iterator[str]:
    if isinstance(source, str):
        yield from _module(template_of(source))


def _texts(document: Json) -> Iterator[str]:
    waiting: list[Json] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += [inner for key, inner in value.items() if key != "//"]
