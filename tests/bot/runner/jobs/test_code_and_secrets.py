"""What a job fetches, what its tool may see, and what nobody may."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.bot.runner.bot_server import ASKING
from tests.bot.runner.jobs.conftest import KEY, PLAIN_PYTHON, SECRET, Job, World
from tests.waiting import until


def test_the_code_is_fetched_at_the_very_commit_without_its_past(world: World) -> None:
    world.script(plan="git log --format=%H | wc -l; cat ../README.md; exit 2")
    commit = world.shop.git.branch("main")
    world.github.commit(world.shop, {"README.md": "later\n"})
    offer = world.offer(commit=commit)
    world.run(offer)
    assert offer.report and offer.report["plan"]["text"] == "1\nhello\n"


def test_a_token_of_the_bot_reads_what_the_job_may_not(world: World) -> None:
    world.github.world.organization("other", ["bob"])
    modules = world.github.repository("other/modules", {"svc/plan": ("100755", "#!/bin/sh\nexit 0\n")}, write=["bob"])
    fetch = {"url": f"{world.github.url}/other/modules", "token": world.github.world.personal_token("bob")}
    offer = world.offer(commit=modules.git.branch("main"), fetch=fetch)
    world.run(offer)
    assert offer.report and offer.report["result"] == "no changes"


def test_the_jobs_own_token_is_for_its_own_server_alone(world: World) -> None:
    world.script()
    offer = world.offer()
    job = world.run(offer, 1, GITHUB_SERVER_URL="https://github.example.com")
    assert offer.report and "could not be fetched from" in offer.report["error"]
    assert world.token not in job.shown + offer.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://github.example.com/acme/shop", "must begin with https://"),
        ("file:///etc", "is no address"),
        ("ext::sh -c id", "is no address"),
        ("ssh://git@github.com/acme/shop", "holds credentials"),
        ("--upload-pack=id", "is no address"),
    ],
)
def test_code_comes_by_https_alone(world: World, url: str, said: str) -> None:
    offer = world.offer(fetch={"url": url, "token": None})
    world.run(offer, 1)
    assert offer.report and said in offer.report["error"]


def test_a_commit_that_is_gone_is_told(world: World) -> None:
    world.script()
    offer = world.offer(commit="1" * 40)
    world.run(offer, 1)
    assert offer.report is not None
    assert offer.report["error"].startswith(
        f"The commit {'1' * 12} could not be fetched from {world.github.url}/acme/shop;"
    )
    assert "not our ref" in offer.report["error"]


def test_submodules_are_not_fetched(world: World) -> None:
    text = '[submodule "x"]\n\tpath = sub\n\turl = file:///etc\n'
    world.github.commit(world.shop, {".gitmodules": text, "sub": ("160000", "2" * 40)})
    offer = world.offer(path="sub")
    world.run(offer, 1)
    assert offer.report and "submodules are not fetched" in offer.report["error"]


def test_secrets_of_the_job_reach_the_variables_that_name_them_and_no_other(world: World) -> None:
    world.script(plan="env; exit 2")
    variables = [{"name": "PASSWORD", "from_secret": "DB_PASSWORD", "sensitive": True}, {"name": "SIZE", "value": 3}]
    offer = world.offer(variables=variables)
    names = {"HEADWATER_SECRETS": "DB_PASSWORD OTHER", "DB_PASSWORD": SECRET, "OTHER": "not for this one"}
    job = world.run(offer, **names)
    assert offer.report is not None
    seen = offer.report["plan"]["text"]
    assert "PASSWORD=***" in seen and "SIZE=3" in seen
    assert "DB_PASSWORD" not in seen and "OTHER" not in seen
    assert f"::add-mask::{SECRET}" in job.out.splitlines()[:3]
    for text in (job.shown, job.summary, offer.text, repr(offer.report)):
        assert SECRET not in text and "not for this one" not in text


def test_a_secret_that_is_not_there_is_told_with_the_mend(world: World) -> None:
    offer = world.offer(alias="db", variables=[{"name": "PASSWORD", "from_secret": "DB_PASSWORD", "sensitive": True}])
    job = world.run(offer, 1, HEADWATER_SECRETS="DB_PASSWORD", DB_PASSWORD="")  # as GitHub gives one that is missing
    assert offer.report is not None
    assert offer.report["error"] == (
        "The secret DB_PASSWORD that 'db' needs is missing or empty in this job. Add it to the secrets of the GitHub "
        "environment or of the repository; if .github/workflows/headwater.yml does not name it, write that anew: "
        "headwater init --github"
    )
    assert "::error title=Deploy 'db' at" in job.out


def test_a_secret_too_short_to_hide_is_refused(world: World) -> None:
    world.script()
    offer = world.offer(variables=[{"name": "PIN", "from_secret": "PIN", "sensitive": True}])
    world.run(offer, 1, HEADWATER_SECRETS="PIN", PIN="1234")
    assert offer.report and "fewer than 6 characters" in offer.report["error"]


@pytest.mark.parametrize("name", ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_TOKEN", "HEADWATER_URL", "RUNNER_TEMP"])
def test_what_is_the_jobs_own_is_no_secret_that_can_be_named(world: World, name: str) -> None:
    world.script()
    offer = world.offer(variables=[{"name": "X", "from_secret": name, "sensitive": True}])
    world.run(offer, 1, HEADWATER_SECRETS=name)
    assert offer.report and f"The secret {name} that 'svc' needs is missing" in offer.report["error"]


def test_tools_see_no_token_and_no_file_that_steers_the_job(world: World) -> None:
    look = "env; for one in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $one; echo; done 2>/dev/null; exit 2"
    world.script(plan=look)
    offer = world.offer()
    job = world.run(offer, GH_TOKEN="gh-token-word", ACTIONS_RUNTIME_TOKEN="runtime-word", HEADWATER_SECRETS="")
    assert offer.report and offer.token
    seen = offer.report["plan"]["text"]
    assert "headwater.pyz" in seen
    for canary in (world.token, offer.token, ASKING, "gh-token-word", "runtime-word", KEY.encode().hex()):
        assert canary not in seen
    assert not [line for line in seen.splitlines() if line.startswith(("ACTIONS_", "HEADWATER_", "GITHUB_TOKEN"))]
    assert not [line for line in seen.splitlines() if line.startswith(("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH"))]
    assert world.token not in job.shown and offer.token not in job.shown


def test_the_token_of_the_code_is_in_no_argument_and_no_file(world: World) -> None:
    """A git of ours in between writes down how it is called, and what it finds when it is done."""
    world.script()
    seen, real = world.folder / "seen", shutil.which("git")
    fake = world.folder / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\necho "$@" >> {seen}\n{real} "$@"; code=$?\ncat config >> {seen} 2>/dev/null\nexit $code\n'
    )
    fake.chmod(0o755)
    offer = world.offer()
    world.run(offer, PATH=f"{fake.parent}:{os.environ['PATH']}")
    text = seen.read_text()
    assert "fetch --quiet --depth=1" in text and "[core]" in text
    assert world.token not in text and "extraheader" not in text.lower()


def test_a_hostile_environment_changes_nothing_and_shows_nothing(world: World) -> None:
    """What earlier steps of the job, or its machine, may have left in the environment."""
    trap = world.folder / "trap"
    for name in ("askpass", "fsmonitor", "sitecustomize.py"):
        file = trap / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\ntouch {trap}/sprung\n")
        file.chmod(0o755)
    traced = world.folder / "traced"
    world.script(plan="env; exit 2")
    offer = world.offer()
    job = world.run(
        offer,
        PYTHONPATH=str(trap),
        PYTHONSTARTUP=str(trap / "askpass"),
        GIT_TRACE=str(traced),
        GIT_TRACE_CURL=str(traced),
        GIT_ASKPASS=str(trap / "askpass"),
        SSH_ASKPASS=str(trap / "askpass"),
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="core.fsmonitor",
        GIT_CONFIG_VALUE_0=str(trap / "fsmonitor"),
        GIT_DIR=str(trap),
        TF_CLI_ARGS="-destroy",
        HEADWATER_PATIENCE_SECONDS="many",
    )
    assert offer.report and offer.report["result"] == "succeeded"
    assert not (trap / "sprung").exists() and not traced.exists()
    assert not [
        line for line in offer.report["plan"]["text"].splitlines() if line.startswith(("TF_", "GIT_C", "GIT_D"))
    ]
    assert world.token not in job.shown + offer.text


def test_nothing_that_a_tool_writes_steers_the_steps_after(world: World) -> None:
    files = '"$RUNNER_TEMP"/_runner_file_commands'
    world.script(
        plan=f"for one in {files}/*; do echo EVIL=1 >> $one; done; rm {files}/path; ln -s /etc/passwd {files}/path; exit 2"
    )
    job = world.run(world.offer())
    assert {name: file.read_text() for name, file in job.files.items() if name != "STEP_SUMMARY"} == dict.fromkeys(
        ("ENV", "OUTPUT", "PATH", "STATE"), ""
    )
    assert "EVIL" not in job.summary and "### Deploy" in job.summary


def test_what_a_tool_says_is_never_a_command(world: World) -> None:
    world.script(apply="echo '::set-env name=X::y'; echo '##[add-path]/tmp'; echo '::endgroup::'; printf no-newline")
    offer = world.offer()
    job = world.run(offer)
    lines = job.out.splitlines()
    begin = lines.index("::group::Output of apply")
    token = lines[begin + 1].removeprefix("::stop-commands::")
    assert len(token) == 32
    assert lines[begin + 2 : begin + 6] == ["::set-env name=X::y", "##[add-path]/tmp", "::endgroup::", "no-newline"]
    assert lines[begin + 6 : begin + 8] == [f"::{token}::", "::endgroup::"]


def test_an_output_that_proves_sensitive_at_the_end_is_warned_of(world: World) -> None:
    world.script(
        apply="echo made hush-hush-word", outputs="""echo '{"key": {"value": "hush-hush-word", "sensitive": true}}'"""
    )
    offer = world.offer()
    job = world.run(offer)
    assert "::warning title=A sensitive output was printed::The tool printed the value" in job.out
    assert "hush-hush-word" not in repr(offer.report) + job.summary


def test_other_users_processes_cannot_look_into_ours(world: World) -> None:
    """A tool runs as the same user; the kernel keeps what the job was started with from it all the same."""
    world.script(plan="sleep 5; exit 2")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.beats)
    reading = (
        "import ctypes, os, sys; os.setgroups([]); ctypes.CDLL(None).prctl(24, 19, 0, 0, 0);"
        "libc = ctypes.CDLL(None); head = (ctypes.c_uint32 * 2)(0x20080522, 0); none = (ctypes.c_uint32 * 6)();"
        "libc.capset(head, none); open(f'/proc/{sys.argv[1]}/environ').read()"
    )
    done = subprocess.run(
        [sys.executable, "-c", reading, str(job.process.pid)], capture_output=True, text=True, check=False
    )
    assert "PermissionError" in done.stderr
    job.process.send_signal(signal.SIGINT)
    assert job.wait() == 1


@pytest.mark.skipif(os.getuid() != 0, reason="the other tests run as an ordinary user already")
def test_it_runs_as_an_ordinary_user(world: World) -> None:
    """As on GitHub's machines: what is kept from others must not be kept from ourselves."""
    asked = [PLAIN_PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    if shutil.which(PLAIN_PYTHON) is None or subprocess.run(asked, check=False).returncode != 0:
        pytest.skip("this machine has no Python 3.11 that everybody may run")
    world.folder = Path(tempfile.mkdtemp(prefix="headwater-job-"))  # pytest's own folders are for root alone
    world.folder.chmod(0o755)
    world.zipapp = Path(shutil.copy(world.zipapp, world.folder))
    look = "cat /proc/$PPID/environ > /dev/null && echo open; echo looked; exit 2"
    world.script(plan=look)
    offer = world.offer()
    job = Job(world, offer.attempt, "key-1", {}, user=65534, python=PLAIN_PYTHON)
    world.jobs.append(job)
    assert job.wait() == 0, job.out
    assert offer.report and offer.report["plan"]["text"] == "looked\n"
    assert "Permission denied" in offer.text and job.left() == []
    shutil.rmtree(world.folder)


def test_terraform_is_planned_and_applied_with_a_secret(terraform: World) -> None:
    world, state = terraform, terraform.folder / "state"
    code = f"""
    terraform {{
      backend "local" {{
        path = "{state}"
      }}
    }}
    variable "password" {{
      type = string
      sensitive = true
    }}
    resource "terraform_data" "db" {{
      input = var.password
    }}
    output "length" {{
      value = nonsensitive(length(var.password))
    }}
    """
    world.github.commit(world.shop, {"db/main.tf": code})
    variables = [{"name": "password", "from_secret": "DB_PASSWORD", "sensitive": True}]
    offer = world.offer(tool="terraform", path="db", alias="db", variables=variables)
    job = world.run(offer, HEADWATER_SECRETS="DB_PASSWORD", DB_PASSWORD=SECRET, PATH=world.path)
    assert offer.report and (offer.report["result"], offer.report["plan"]["add"]) == ("succeeded", 1)
    assert offer.report["outputs"]["length"] == {"value": len(SECRET), "sensitive": False}
    assert "Apply complete! Resources: 1 added" in offer.text and "terraform_data.db will be created" in job.summary
    assert SECRET in state.read_text() and SECRET not in job.shown + job.summary + offer.text + repr(offer.report)
    homeless = world.offer(tool="terraform", path="none")
    homeless.spec["commit"] = world.github.commit(world.shop, {"none/main.tf": ""})
    world.run(homeless, 1, PATH=world.path)
    assert (
        homeless.report and "declares no backend, so its state would be lost with this job" in homeless.report["error"]
    )
