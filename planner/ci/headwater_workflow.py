"""The workflow file that the bot starts: rendered from the definitions, and whether it has to be again. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib import resources

from planner.ci.pipelines import DEPLOY_ENVIRONMENT, LARGEST_FILE, literal
from planner.definition import Definitions, Environment, Tool, Variable
from planner.problems import PlannerError
from planner.variables import REFUSED_NAMES

FILE = ".github/workflows/headwater.yml"
SETUP_FILE = ".github/actions/headwater-setup/action.yml"
PLAN_ENVIRONMENT = "headwater-plan"
FORMAT = 1
"""Counts up when a file of an older form would no longer do for the bot."""

_HEADER = re.compile(
    r"# The jobs of Headwater, .*\(format ([0-9]{1,4}), made from ([0-9a-f]{16})(?:, sum ([0-9a-f]{16}))?\)"
)
_URL_LINE = re.compile(r'^  HEADWATER_URL: "([^"\\\s]+)"\s*$', re.MULTILINE)
_MINUTES_LINE = re.compile(r"^    timeout-minutes: ([0-9]+)\s*$", re.MULTILINE)
_SECRET_LINE = re.compile(r"\$\{\{ secrets\.([A-Za-z_][A-Za-z0-9_]*) \}\}")
_URL = re.compile(
    r"https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*|http://(?:localhost|127\.0\.0\.1)(?::[0-9]+)?"
)
_SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NO_SECRET = ("GITHUB_", "ACTIONS_", "RUNNER_", "HEADWATER_", "LD_", "DYLD_", "BASH_FUNC_", "PYTHON", "MALLOC_")
_VERSION = re.compile(r"[0-9A-Za-z.~<>=^*, +-]*[0-9][0-9A-Za-z.~<>=^*, +-]*")
_USUAL_MINUTES = 360  # GitHub's own limit for its machines
_SPARE_MINUTES = 15  # checkout, set-up, the tool's grace, a report that is told for a while
_MOST_VERSIONS = 8


@dataclass(frozen=True, slots=True)
class _Contents:
    """All that a file is rendered from."""

    url: str
    plan_secrets: tuple[str, ...]
    deploy_secrets: tuple[str, ...]
    minutes: int

    @property
    def fingerprint(self) -> str:
        """A digest: it tells whether any of this is another by now."""
        told = repr((FORMAT, self.url, self.plan_secrets, self.deploy_secrets, self.minutes))
        return _digest(told)


def render_headwater_workflow(definitions: Definitions, url: str) -> str:
    """The text of `.github/workflows/headwater.yml` for the bot at this address; the same input gives the same bytes.

    Raises PlannerError for an address that jobs may not speak to, and for a secret that no job can be given.
    """
    found = _contents(definitions, url)
    values = {
        "format": FORMAT,
        "fingerprint": found.fingerprint,
        "url": found.url,
        "scheme": found.url.partition(":")[0],
        "minutes": found.minutes,
        "plan_secrets": found.plan_secrets,
        "deploy_secrets": found.deploy_secrets,
    }
    body = _rendered("headwater.yml.j2", body_sum="", **values)
    text = _rendered("headwater.yml.j2", body_sum=_body_sum(body), **values)
    if (size := len(text.encode())) > LARGEST_FILE:
        raise PlannerError(f"with {len(found.deploy_secrets)} secrets the file would have {size:,} bytes: use fewer")
    return text


def render_headwater_setup(definitions: Definitions) -> str:
    """The text of a first `.github/actions/headwater-setup/action.yml`: the tools in use, and examples of log-ins."""
    return _rendered("headwater-setup.yml.j2", tools=_tools(_environments(definitions)))


def must_be_written_anew(definitions: Definitions, current_text: str, url: str) -> str | None:
    """Why the workflow file no longer fits, without the mend, which is `headwater init --github`; None if it does.

    `definitions` are those of the default branch, `url` is where the bot is.
    """
    current_text = current_text.replace("\r\n", "\n")
    header = _header(current_text)
    if header is None:
        return f"{FILE} was not written by `headwater init --github`"
    number, fingerprint, body_sum = header
    if number != FORMAT:
        age = "an older" if number < FORMAT else "a newer"
        return f"{FILE} was written by {age} Headwater (format {number}, this one has {FORMAT})"
    try:
        wanted = _contents(definitions, url)
    except PlannerError as error:
        return f"{FILE} cannot be written for these workflow files: {error}"
    reasons = list(_differences(wanted, current_text))
    if reasons:
        return f"{FILE} {' and '.join(reasons)}"
    if fingerprint != wanted.fingerprint:
        return f"{FILE} was written for other workflow files"
    altered = body_sum not in ("", _body_sum(current_text))
    return f"{FILE} was altered since `headwater init --github` wrote it" if altered else None


def is_ours(text: str) -> bool:
    """Whether a workflow file was written by `headwater init --github`."""
    return _header(text) is not None


def url_in(text: str) -> str | None:
    """The address of the bot in a file that was written before."""
    found = _URL_LINE.search(text)
    return found[1] if found else None


def secrets_in(definitions: Definitions) -> tuple[str, ...]:
    """The names of all secrets that the jobs are given. Raises PlannerError for one that they cannot be."""
    return _names(_variables(definitions))


def github_environments(definitions: Definitions) -> tuple[str, ...]:
    """The GitHub environments that jobs run in, that of plans first."""
    named = {one.github_environment or DEPLOY_ENVIRONMENT for one in _environments(definitions)}
    return (PLAN_ENVIRONMENT, *sorted(named | {DEPLOY_ENVIRONMENT}))


def _header(text: str) -> tuple[int, str, str] | None:
    found = _HEADER.match(text)
    return (int(found[1]), found[2], found[3] or "") if found else None


def _body_sum(text: str) -> str:
    """A digest of all but the first line, by which a file is known that was altered since."""
    return _digest(text.partition("\n")[2])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _differences(wanted: _Contents, text: str) -> Iterable[str]:
    if (url := url_in(text)) != wanted.url:
        yield f"speaks to {url or 'nobody'}, and Headwater is at {wanted.url}"
    plan, _, deploy = text.partition("\n  deploy:\n")
    yield from _missing(wanted.deploy_secrets, _SECRET_LINE.findall(deploy), "its jobs that deploy")
    yield from _missing(wanted.plan_secrets, _SECRET_LINE.findall(plan), "its jobs that plan")
    if any(int(minutes) < wanted.minutes for minutes in _MINUTES_LINE.findall(text)):
        yield "ends jobs before an environment's timeout"


def _missing(wanted: Collection[str], given: Collection[str], who: str) -> Iterable[str]:
    if lacking := sorted(set(wanted) - set(given)):
        yield f"does not give {who} the secret{'s' * (len(lacking) > 1)} {', '.join(lacking)}"
    if more := sorted(set(given) - set(wanted)):
        yield f"gives {who} {', '.join(more)}, which nothing names any more"


def address_of(url: str) -> str:
    """The address of a bot, without a slash at its end. Raises PlannerError for one that jobs may not speak to."""
    address = url.rstrip("/")
    if _URL.fullmatch(address) is None:
        raise PlannerError(
            f"{url!r} is no address of a bot: write https://HOST, as its HEADWATER_PUBLIC_URL has it "
            "(http:// is for localhost alone)"
        )
    return address


def _contents(definitions: Definitions, url: str) -> _Contents:
    address = address_of(url)
    variables = _variables(definitions)
    longest = max((one.timeout or 0.0 for one in _environments(definitions)), default=0.0)
    return _Contents(
        address,
        _names(one for one in variables if one.plan),
        _names(variables),
        max(_USUAL_MINUTES, int(-(-longest // 60)) + _SPARE_MINUTES if longest else 0),
    )


def _environments(definitions: Definitions) -> tuple[Environment, ...]:
    return tuple(one for workflow in definitions.workflows for one in workflow.environments)


def _variables(definitions: Definitions) -> tuple[Variable, ...]:
    """Every variable that a secret gives its value, wherever it stands."""
    everywhere = [one.variables for one in definitions.workflows]
    everywhere += [one.variables for one in _environments(definitions)]
    return tuple(one for variables in everywhere for one in variables if one.from_secret is not None)


def _names(variables: Iterable[Variable]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for one in variables:
        name = str(one.from_secret)
        if _SECRET.fullmatch(name) is None or name.upper().startswith(_NO_SECRET) or name.upper() in REFUSED_NAMES:
            raise PlannerError(
                f"{one.place}: no job can be given a secret of the name {name!r}: it has letters, digits and _ only, "
                f"begins with no digit and with none of {', '.join(_NO_SECRET)}, and steers no shell, as PATH does"
            )
        if found.setdefault(name.upper(), name) != name:
            raise PlannerError(
                f"{one.place}: {name} and {found[name.upper()]} are one secret to GitHub: spell it the same everywhere"
            )
    return tuple(sorted(found.values()))


def _tools(environments: Collection[Environment]) -> list[tuple[str, str]]:
    """What to install: each tool in each version that is asked for; the runner then chooses among them."""
    found: list[tuple[str, str]] = []
    for tool in (Tool.TERRAFORM, Tool.OPENTOFU):
        users = [one for one in environments if one.tool is tool]
        asked = {one.version or "" for one in users}
        versions = sorted(one.replace(",", " ") for one in asked if _VERSION.fullmatch(one))
        if len(versions) > _MOST_VERSIONS or (users and not versions):
            versions = [""]
        found += [(tool.value, version) for version in versions]
    return found


def _rendered(template: str, **values: object) -> str:
    from jinja2 import Environment as Templates  # noqa: PLC0415  (only a rendering command pays for it)
    from jinja2 import FunctionLoader, StrictUndefined  # noqa: PLC0415

    templates = Templates(
        loader=FunctionLoader(lambda name: resources.files("templates").joinpath(name).read_text("utf-8")),
        undefined=StrictUndefined,
        variable_start_string="{=",  # GitHub has taken {{ }}
        variable_end_string="=}",
        autoescape=False,  # noqa: S701  (YAML, not HTML: every text from outside is of a narrow form, or a `literal`)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    templates.filters["literal"] = literal
    return templates.get_template(template).render(**values).rstrip("\n") + "\n"
