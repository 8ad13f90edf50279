"""The scanner of Terraform code, held against python-hcl2, which parses the whole language."""

from __future__ import annotations

import json
import random
import re
import time
from typing import Any

import hcl2
import pytest

from planner.sources.hcl import tokens_of
from planner.sources.terraform import references

REAL = {
    "registry module and comments": '''
# module "commented" { source = "../commented" }
// module "commented" { source = "../commented" }
/* module "commented" {
  source = "../commented"
} */
module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "~> 5.0"
  name    = "x" # source = "../no"
}
module "db" {
  source = "../modules/db"
  providers = { aws = aws.east }
}
''',
    "source of other blocks": '''
resource "aws_s3_object" "o" {
  source = "../not-a-module"
}
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5"
    }
  }
  backend "s3" {
    key = "x"
  }
}
''',
    "heredocs": '''
resource "x" "y" {
  script = <<-EOT
    module "no" {
      source = "../no"
    }
    echo "unclosed
    value ${file("${path.module}/../yes.sh")} $${file("../no.sh")}
    EOT
  plain = <<EOT
# not a comment
EOT
}
module "after" {
  source = "./after"
}
''',
    "escapes": '''
locals {
  a = "quote \\" file(\\"../no\\") \\\\"
  b = "${"nested ${file("../deep")} text"}"
  c = "$${path.module}/../no"
  d = "%{ if true }${file("../cond")}%{ endif }"
  e = "é ü 日本 ${path.module}"
}
module "z" { source = "./z" }
''',
    "nested blocks": '''
module "outer" {
  source = "../outer"
  settings = {
    module = { source = "../no" }
    list   = [{ source = "../no" }, "a", 1e5, -3]
  }
}
resource "r" "module" {
  dynamic "module" {
    for_each = { for k, v in var.x : k => v if v != null }
    content {
      source = "../no"
    }
  }
}
''',
    "calls": '''
locals {
  one   = templatefile("${path.module}/../t/x.tpl", { file = "y" })
  two   = file(var.name)
  three = file("${path.module}/${var.name}.json")
  four  = jsondecode(file("${path.root}/../data.json"))
  five  = [for f in fileset("${path.module}/../policies", "**/*.json") : f]
  six   = fileset(path.module, "*.yml")
  seven = var.on ? file("../on.txt") : filebase64("../off.bin")
  eight = filemd5(join("/", [path.module, "x"]))
}
data "archive_file" "z" {
  source_dir = "${path.module}/../../src"
}
''',
}  # fmt: skip


def modules_by_hcl2(text: str) -> list[str]:
    """The local module sources of a file, by a real parser."""
    found = []
    for block in hcl2.loads(text).get("module", []):
        for body in block.values():
            source = json.loads(body["source"])
            if source.startswith(("./", "../")):
                found.append(source)
    return sorted(set(found))


def calls_by_hcl2(text: str) -> list[str]:
    """The constant paths of `file("…")` in what a real parser gives as expressions (comments and texts are gone)."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str):
            plain = re.sub(r'\\"', "", value.replace("$${", ""))
            found.update(re.findall(r'\bfile\("([^"$\\]+)"\)', plain))

    walk(hcl2.loads(text))
    return sorted(found)


@pytest.mark.parametrize("name", REAL)
def test_modules_of_real_looking_files(name: str) -> None:
    assert list(references("main.tf", REAL[name].encode()).modules) == modules_by_hcl2(REAL[name])


@pytest.mark.parametrize(
    ("name", "paths", "filesets"),
    [
        ("registry module and comments", (), ()),
        ("source of other blocks", (), ()),
        ("heredocs", (("module", "../yes.sh"),), ()),
        ("escapes", (("module", ""), ("root", "../cond"), ("root", "../deep")), ()),
        ("nested blocks", (), ()),
        (
            "calls",
            (
                ("module", "../../src"),
                ("module", "../t/x.tpl"),
                ("root", "../data.json"),
                ("root", "../off.bin"),
                ("root", "../on.txt"),
            ),
            (("module", "", "*.yml"), ("module", "../policies", "**/*.json")),
        ),
    ],
)
def test_paths_of_real_looking_files(name: str, paths: object, filesets: object) -> None:
    found = references("main.tf", REAL[name].encode())
    expected = tuple(one for one in paths if one != ("module", ""))  # type: ignore[attr-defined]
    assert (tuple(one for one in found.paths if one != ("module", "")), found.filesets) == (expected, filesets)


def test_a_backend_or_cloud_block_is_seen() -> None:
    assert references("a.tf", b'terraform {\n  backend "s3" {}\n}').backend
    assert references("a.tf", b"terraform {\n  cloud {\n  }\n}").backend
    assert references("a.tf.json", b'{"terraform": {"backend": {"s3": {}}}}').backend
    assert not references("a.tf", b'# terraform { backend "s3" {} }\nlocals {\n  backend = { cloud = 1 }\n}').backend


class Writer:
    """Writes random, valid files with decoys around what is really referred to."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.number = 0

    def path(self) -> str:
        self.number += 1
        return self.chance.choice(["./", "../", "../../x/"]) + f"p{self.number}"

    def file(self) -> str:
        return "\n".join(self.block() for _ in range(self.chance.randint(1, 7))) + "\n"

    def block(self) -> str:
        kind = self.chance.choice(["module", "module", "bare", "resource", "locals", "comment", "terraform"])
        if kind == "comment":
            return self.comment()
        if kind == "module":
            inner = [f'  source = "{self.path()}"', *self.attributes()]
            self.chance.shuffle(inner)
            return f'module "m{self.number}" {{\n' + "\n".join(inner) + "\n}"
        if kind == "bare":
            return f'module "m" {{\n  source = "{self.path()}" # {self.decoy()}\n}}'
        if kind == "terraform":
            return 'terraform {\n  required_providers {\n    a = {\n      source = "./no"\n    }\n  }\n}'
        head = 'resource "module" "source"' if kind == "resource" else "locals"
        inner = self.attributes()
        if kind == "resource":
            inner += ['  source = "../no"', '  nested {\n    source = "../no"\n  }']
        return head + " {\n" + "\n".join(inner) + "\n}"

    def attributes(self) -> list[str]:
        return [f"  a{number} = {self.value()}" for number in range(self.chance.randint(0, 4))]

    def value(self, depth: int = 0) -> str:
        kinds = ["number", "text", "escaped", "call", "interpolated", "object", "list", "heredoc", "indented"]
        match self.chance.choice(kinds if depth < 2 else kinds[:5]):
            case "number":
                return self.chance.choice(["1", "-1.5", "1e5", "true", "null", "var.x", "module.y.z[0]", "!a && b"])
            case "text":
                return '"plain # // /* text"'
            case "escaped":
                return '"\\"file(\\\\\\"\\\\\\" \\n $${file(x)} %%{ } {"'
            case "call":
                return f'file("{self.path()}")'
            case "interpolated":
                return f'"a ${{upper(file("{self.path()}"))}} b"'
            case "object":
                return "{\n    source = " + self.value(depth + 1) + "\n  }"
            case "list":
                return f"[{self.value(depth + 1)}, 2]" if depth else f'[file("{self.path()}"), 2]'
            case "heredoc":
                return f'<<EOT\nmodule "x" {{\n source = "../no"\n}}\n"unclosed {self.decoy()}\nEOT'
            case _:
                return "<<-END\n    # text\n    /* open\n    END"

    def decoy(self) -> str:
        return self.chance.choice(['module "n" { source = "../no" }', "/* open", "it's", "}} {{"])

    def comment(self) -> str:
        text = self.decoy()
        return self.chance.choice([f"# {text}", f"// {text}", "/* " + text.replace("/*", "") + "\n" + "*/"])


@pytest.mark.parametrize("start", range(0, 240, 20))
def test_generated_files_agree_with_python_hcl2(start: int) -> None:
    """240 files, each with what comments, texts and heredocs only look like."""
    for seed in range(start, start + 20):
        text = Writer(seed).file()
        found = references("main.tf", text.encode())
        assert list(found.modules) == modules_by_hcl2(text), text
        assert sorted(path for _, path in found.paths) == calls_by_hcl2(text), text


@pytest.mark.parametrize(
    ("document", "modules", "paths"),
    [
        ({"module": {"a": {"source": "../a"}}}, ("../a",), ()),
        ({"module": {"a": [{"source": "../a"}]}}, ("../a",), ()),
        ({"module": [{"a": {"source": "../a"}}, {"b": {"source": "./b"}}]}, ("../a", "./b"), ()),
        ({"module": {"a": {"source": "hashicorp/x/aws"}}, "resource": {"x": {"source": "../no"}}}, (), ()),
        ({"//": {"module": "${file(\"../no\")}"}, "locals": {"x": "${file(\"../f\")}"}}, (), (("root", "../f"),)),
        ({"locals": {"x": "file(\"../no\")", "y": ["${path.module}/../z"]}}, (), (("module", "../z"),)),
        ([1, 2], (), ()),
    ],
)  # fmt: skip
def test_json_says_the_same(document: object, modules: object, paths: object) -> None:
    found = references("main.tf.json", json.dumps(document).encode())
    assert (found.modules, found.paths) == (modules, paths)


@pytest.mark.parametrize(
    "text",
    ['"${' * 5_000, "{" * 50_000, "/*" * 50_000, '"' * 50_001, "<<E\n" * 20_000, "a" * 500_000, "\\" * 100_000,
     'x = "${"${' * 1_000, "%{" * 10_000, '"$' * 50_000, "[" * 100_000, "module " * 50_000, "=" * 300_000],
)  # fmt: skip
def test_hostile_text_neither_fails_nor_takes_long(text: str) -> None:
    begin = time.process_time()
    tokens_of(text)
    references("main.tf", b"module file path. " + text.encode())
    references("main.tf.json", b'{"module": "path.' + text.encode() + b'"}')
    assert time.process_time() - begin < 10  # a scanner of quadratic time would take minutes
