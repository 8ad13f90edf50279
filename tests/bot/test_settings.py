"""Settings: where they come from, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from inline_snapshot import snapshot

from bot.settings import LogLevel, Settings, SettingsError, SetupSettings, StoreSettings, load, names
from tests.github.world.apps import new_private_key

ROOT = Path(__file__).resolve().parents[2]
SECRET = "correct horse battery staple"
KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(scope="session")
def private_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("app") / "app.pem"
    file.write_text(new_private_key())
    return file


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting is set, and the state folder is a new one."""
    for name in names(Settings):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.fixture
def whole(private_key: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """All settings that must be set, in the process environment."""
    for name, value in {
        "PUBLIC_URL": "https://headwater.example.com/",
        "GITHUB_APP_ID": "12345",
        "GITHUB_PRIVATE_KEY_FILE": str(private_key),
        "WEBHOOK_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(f"HEADWATER_{name}", value)
    return monkeypatch


def refusal(tmp_path: Path) -> str:
    with pytest.raises(SettingsError) as raised:
        load(Settings)
    return str(raised.value).replace(str(tmp_path), "DATA")


def test_four_settings_are_enough(whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = load(Settings)
    assert found.public_url == "https://headwater.example.com"
    assert found.github_app_id == 12345
    assert found.private_key.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert found.state == tmp_path / "headwater"
    assert found.database == f"sqlite:///{tmp_path}/headwater/headwater.db"
    assert found.embedded
    assert found.github_url == "https://github.com"
    assert found.oidc_issuer == "https://token.actions.githubusercontent.com"


def test_all_that_is_missing_or_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {
        "WEBHOOK_SECRT": SECRET,
        "PUBLIC_URL": "http://headwater.example.com",
        "GITHUB_API_URL": "github.com",
        "DATABASE_URL": "mysql://root:hunter2@db/headwater",
        "KEY": "c2hvcnQ=",
        "WORKERS": "0",
        "BEAT_SECONDS": "soon",
        "SWEEP_SECONDS": "nan",
        "METRICS_PORT": "tcp://10.0.0.7:9464",
        "LOCAL_REPOSITORIES": "acme/shop, shop",
        "LOG_LEVEL": "loud",
        "KEEP_DAYS": "1",
    }.items():
        monkeypatch.setenv(f"HEADWATER_{name}", value)
    assert refusal(tmp_path) == snapshot("""\
14 settings are missing or wrong: nothing was started
HEADWATER_DATABASE_URL: must begin with postgresql:// or sqlite:///
HEADWATER_KEY: must be 32 bytes in base64: openssl rand -base64 32
HEADWATER_LOG_LEVEL: must be 'debug', 'info', 'warning' or 'error'
HEADWATER_GITHUB_API_URL: must be an address such as https://headwater.example.com
HEADWATER_PUBLIC_URL: must begin with https://, since tokens travel there (http:// is for localhost alone)
HEADWATER_GITHUB_APP_ID is missing: the number of the GitHub App; 'headwater setup' makes an App and keeps it
HEADWATER_GITHUB_PRIVATE_KEY_FILE is missing: the file with the App's private key (PEM); 'headwater setup' makes an App and keeps it
HEADWATER_WEBHOOK_SECRET is missing: what GitHub signs webhooks with; 'headwater setup' makes an App and keeps it (HEADWATER_WEBHOOK_SECRT is set: did you mean that?)
HEADWATER_METRICS_PORT: holds an address that Kubernetes set for a Service of that name: set enableServiceLinks: false in the pod, or set the port yourself
HEADWATER_WORKERS: must be greater than or equal to 1
HEADWATER_LOCAL_REPOSITORIES: 'shop' is not a repository: write OWNER/NAME, with commas between them
HEADWATER_KEEP_DAYS: must be greater than or equal to 4
HEADWATER_BEAT_SECONDS: must be a valid number
HEADWATER_SWEEP_SECONDS: must be a finite number
settings are read from the process environment, then from DATA/headwater/settings.env; docs/configuration.md lists them\
""")


def test_without_a_webhook_secret_nothing_starts(whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for value in ("", None, "short"):
        whole.delenv("HEADWATER_WEBHOOK_SECRET", raising=False)
        if value is not None:
            whole.setenv("HEADWATER_WEBHOOK_SECRET", value)
        assert "HEADWATER_WEBHOOK_SECRET" in refusal(tmp_path)


def settings_file(tmp_path: Path, lines: Mapping[str, str] | str, mode: int = 0o600) -> Path:
    file = tmp_path / "headwater" / "settings.env"
    file.parent.mkdir(exist_ok=True)
    text = lines if isinstance(lines, str) else "".join(f"{name}={value}\n" for name, value in lines.items())
    file.write_text(text)
    file.chmod(mode)
    return file


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(
    whole: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    whole.setenv("HEADWATER_WORKERS", "7")
    lines = {"HEADWATER_WORKERS": "5", "HEADWATER_JOBS": "9", "HEADWATER_DATABASE_URL": "sqlite:///in-the-file.db"}
    settings_file(tmp_path, lines)
    found = load(Settings)
    assert (found.workers, found.jobs, found.database) == (7, 9, "sqlite:///in-the-file.db")
    other = load(Settings, state=tmp_path / "elsewhere", database="postgresql://db/headwater")
    assert (other.jobs, other.database, other.embedded) == (20, "postgresql://db/headwater", False)
    assert other.state == tmp_path / "elsewhere"


def test_the_state_of_the_environment_says_where_the_file_lies(whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole.setenv("HEADWATER_STATE", str(tmp_path / "headwater"))
    whole.setenv("XDG_DATA_HOME", "/nowhere")
    settings_file(tmp_path, {"HEADWATER_JOBS": "9"})
    assert load(Settings).jobs == 9


def test_what_is_wrong_with_the_file_is_told(whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = '# ours\nHEADWATER_WEBOOK_SECRET=x\nexport HEADWATER_JOBS=3\nthis is no line = "\nHEADWATER_STATE=/x\nPATH=/bin\n'
    settings_file(tmp_path, text, 0o644)
    assert refusal(tmp_path) == snapshot("""\
5 settings are missing or wrong: nothing was started
DATA/headwater/settings.env holds secrets and can be read by every user of this machine: chmod 600 DATA/headwater/settings.env
DATA/headwater/settings.env:2: there is no setting HEADWATER_WEBOOK_SECRET: did you mean HEADWATER_WEBHOOK_SECRET?
DATA/headwater/settings.env:4: is not NAME=VALUE
DATA/headwater/settings.env:5: HEADWATER_STATE cannot stand in this file: it says where the file lies
DATA/headwater/settings.env:6: there is no setting PATH
settings are read from the process environment, then from DATA/headwater/settings.env; docs/configuration.md lists them\
""")


def test_a_file_that_is_no_text(whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings_file(tmp_path, "").write_bytes(b"\xff\xfe")
    assert "cannot be read: it is not UTF-8" in refusal(tmp_path)
    settings_file(tmp_path, "").unlink()
    (tmp_path / "headwater" / "settings.env").mkdir()
    assert "cannot be read: Is a directory" in refusal(tmp_path)


def test_no_secret_is_shown(whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole.setenv("HEADWATER_KEY", KEY)
    whole.setenv("HEADWATER_DATABASE_URL", "postgresql://headwater:hunt%23er22@db/headwater")
    found = load(Settings)
    shown = f"{found!r} {found} {found.model_dump_json()}"
    for secret in (SECRET, KEY, "hunt%23er22", "PRIVATE KEY-----"):
        assert secret not in shown
    assert {SECRET, KEY, "hunt%23er22", "hunt#er22", found.private_key.strip()} <= set(found.secrets)


@pytest.mark.parametrize("name", ["WEBHOOK_SECRET", "KEY", "DATABASE_URL"])
def test_a_secret_that_is_wrong_is_not_shown_either(name: str, whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole.setenv(f"HEADWATER_{name}", "tell-nobody")
    with pytest.raises(SettingsError) as raised:
        load(Settings)
    assert f"HEADWATER_{name}: must " in str(raised.value)
    assert "tell-nobody" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("api", "page", "issuer"),
    [
        ("https://api.github.com", "https://github.com", "https://token.actions.githubusercontent.com"),
        ("https://git.acme.com/api/v3/", "https://git.acme.com", "https://git.acme.com/_services/token"),
        ("https://api.acme.ghe.com", "https://acme.ghe.com", "https://token.actions.acme.ghe.com"),
        ("http://127.0.0.1:8080/api/v3", "http://127.0.0.1:8080", "http://127.0.0.1:8080/_services/token"),
    ],
)
def test_the_api_tells_the_rest_of_a_github(api: str, page: str, issuer: str, whole: pytest.MonkeyPatch) -> None:
    whole.setenv("HEADWATER_GITHUB_API_URL", api)
    assert (load(Settings).github_url, load(Settings).oidc_issuer) == (page, issuer)
    whole.setenv("HEADWATER_OIDC_ISSUER", "https://tokens.acme.com/")
    assert load(Settings).oidc_issuer == "https://tokens.acme.com"


@pytest.mark.parametrize(
    "address",
    [
        "headwater.example.com", "ftp://x.example.com", "https://", "https://a:b@x.example.com", "https://x.example.com/?a",
        "https://x.example.com/#a", "http://10.0.0.1", "https://x.example.com:port", "https://x.example.com/a b", "https://x\\@y",
    ],
)  # fmt: skip
def test_addresses_that_are_none(address: str, whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole.setenv("HEADWATER_PUBLIC_URL", address)
    assert "HEADWATER_PUBLIC_URL: " in refusal(tmp_path)


def test_private_keys_that_are_none(whole: pytest.MonkeyPatch, private_key: Path, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    whole.setenv("HEADWATER_GITHUB_PRIVATE_KEY_FILE", str(file))
    assert "key.pem cannot be read (No such file or directory)" in refusal(tmp_path)
    file.write_text("no key")
    assert "key.pem holds no private key in PEM without a password" in refusal(tmp_path)
    other = ec.generate_private_key(ec.SECP256R1())
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file.write_bytes(other.private_bytes(kind, form, serialization.NoEncryption()))
    assert "key.pem holds another kind of key than GitHub's" in refusal(tmp_path)
    file.write_bytes(other.private_bytes(kind, form, serialization.BestAvailableEncryption(b"x")))
    assert "key.pem holds no private key in PEM without a password" in refusal(tmp_path)


def test_a_silence_is_longer_than_a_beat(whole: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole.setenv("HEADWATER_SILENCE_SECONDS", "20")
    assert "HEADWATER_SILENCE_SECONDS: must be at least three beats (HEADWATER_BEAT_SECONDS is 10)" in refusal(tmp_path)
    whole.setenv("HEADWATER_BEAT_SECONDS", "0.01")
    whole.setenv("HEADWATER_SILENCE_SECONDS", "0.05")
    assert load(Settings).silence_seconds == 0.05


def test_repositories_that_run_here_are_named_by_the_operator(whole: pytest.MonkeyPatch) -> None:
    assert not load(Settings).runs_here("acme/shop")
    whole.setenv("HEADWATER_LOCAL_REPOSITORIES", "Acme/Shop, acme/other.repo")
    found = load(Settings)
    assert found.local_repositories == ("acme/shop", "acme/other.repo")
    assert found.runs_here("ACME/shop")
    assert not found.runs_here("acme/sho")


def test_some_commands_need_less(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(StoreSettings).log_level is LogLevel.INFO
    assert load(SetupSettings).public_url is None


def test_the_page_lists_the_settings() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    rows = re.findall(r"^\| `(HEADWATER_[A-Z_]+)` \| ([^|]*) \|", page, re.M)
    assert sorted(name for name, _ in rows) == sorted(names(Settings))
    told = {name: default.strip().strip("`") for name, default in rows}
    for field, about in Settings.model_fields.items():
        default = about.default
        if isinstance(default, int | float):
            assert told[f"HEADWATER_{field.upper()}"] == f"{default:g}", field
        elif isinstance(default, LogLevel) or (isinstance(default, str) and default):
            assert told[f"HEADWATER_{field.upper()}"] == str(default), field
        elif about.is_required():
            assert told[f"HEADWATER_{field.upper()}"] == "must be set", field
