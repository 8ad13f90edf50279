"""Whether a module declares a backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.runner.tools.hcl import declares_backend, text_declares_backend


@pytest.mark.parametrize(
    "text",
    [
        'terraform {\n  backend "s3" {}\n}\n',
        'terraform { backend "s3" { bucket = "a" } }',
        'terraform {\n  cloud {\n    organization = "a"\n  }\n}',
        'locals { a = "}" }\nterraform {\n  required_version = ">= 1"\n  required_providers {\n    x = {}\n  }\n  backend "gcs" {\n  }\n}',
        'locals { a = "${b["}"]} }" }\nterraform {\n backend "s3" {}\n}',
        'locals { a = "${"${"{"}"}" }\nterraform {\n backend "s3" {}\n}',
        'locals {\n a = <<-EOT\n  { {{ " \n  EOT\n}\nterraform {\n backend s3 {}\n}',
        '/* { */ # {\n// {\nterraform {\r\n  backend "local" {\r\n }\r\n}',
        'a = "$${"\nb = "\\""\nterraform {\n backend "s3" {}\n}',
    ],
)
def test_a_declared_backend_is_found(text: str) -> None:
    assert text_declares_backend(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'terraform {\n  # backend "s3" {}\n  // cloud {}\n  /* cloud {\n} */\n}\n',
        'terraform {}\nresource "backend" "cloud" {\n  backend "s3" {}\n}',
        'locals { a = "terraform { backend {} }" }',
        'locals {\n a = <<EOT\nterraform {\n backend "s3" {}\n}\nEOT\n}',
        'terraform {\n  required_providers {\n    backend = { source = "a/b" }\n    cloud = {\n }\n  }\n}',
        "terraform {\n  experiments = [cloud]\n}\n",
        '"${' * 5000,
        "{" * 5000,
        "<<EOT\nterraform {\n cloud {}\n",
    ],
)
def test_what_only_looks_like_one_is_not(text: str) -> None:
    assert not text_declares_backend(text)


def test_files_in_json_and_of_opentofu_count_and_others_do_not(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('terraform {\n backend "s3" {}\n}')
    (tmp_path / ".a.tf").write_text('terraform {\n backend "s3" {}\n}')
    (tmp_path / "b.tf.json").write_text('{"terraform": [{"required_version": ">= 1"}]}')
    (tmp_path / "broken.tf.json").write_text("{")
    (tmp_path / "x.tf").mkdir()
    assert not declares_backend(tmp_path, (".tf",))
    (tmp_path / "c.tofu").write_text('terraform {\n backend "s3" {}\n}')
    assert not declares_backend(tmp_path, (".tf",))
    assert declares_backend(tmp_path, (".tf", ".tofu"))
    (tmp_path / "d.tf.json").write_text('{"terraform": {"backend": {"s3": {}}}}')
    assert declares_backend(tmp_path, (".tf",))
