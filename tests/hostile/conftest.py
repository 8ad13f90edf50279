"""What hostile input is thrown at: the web application with real attempts, a town with its server, a runner."""

from __future__ import annotations

from tests.bot.runner.conftest import world  # noqa: F401  (a fixture)
from tests.bot.web.conftest import key_file  # noqa: F401  (a fixture)
from tests.conversations.conftest import make_town, shop, store, town  # noqa: F401  (fixtures)
