"""What hostile input is thrown at: the web application with real attempts, a town with its server, a runner."""

from __future__ import annotations

import pytest

from bot.github.oidc import Verifier
from tests.bot.runner.conftest import world  # noqa: F401  (a fixture)
from tests.bot.store.conftest import database  # noqa: F401  (a fixture)
from tests.bot.web.conftest import PUBLIC_URL, TestHost, host, key_file, site  # noqa: F401  (fixtures)
from tests.bot.web.offering import Ci
from tests.bot.web.test_runner_api import ci, job, offered, runner  # noqa: F401  (fixtures)
from tests.conversations.conftest import make_town, shop, store, town  # noqa: F401  (fixtures)


@pytest.fixture
def kind() -> str:
    """On SQLite."""
    return "sqlite"


@pytest.fixture
def trusting(host: TestHost, ci: Ci) -> TestHost:  # noqa: F811
    """A host that trusts the issuer on localhost."""
    host.verifier = Verifier(ci.github.actions.issuer.url, PUBLIC_URL)
    return host
