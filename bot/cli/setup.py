"""`headwater setup`: make the GitHub App in the browser, and keep its keys."""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

import click

from bot.cli.context import Command
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import note, print_json, printable, say
from bot.cli.serving import need_the_server, settings_of
from bot.errors import WrongUse

if TYPE_CHECKING:
    from bot.github.data import ManifestData
    from bot.settings import SetupSettings


@click.command(cls=Command)
@click.option("--organization", metavar="ORG", help="Make the App of this organization, not of yourself.")
@click.option("--public-url", metavar="URL", help="Where GitHub reaches the server; else as in the settings.")
@click.option("--name", default="Headwater", show_default=True, help="What to call the App; unique on GitHub.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where your browser reaches this command.")
@click.option("--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="And at which port.")
@click.option("--force", is_flag=True, help="Put the new App in the place of the one in the settings.")
@click.pass_obj
def command(
    settings: Globals, organization: str | None, public_url: str | None, name: str, host: str, port: int, *, force: bool
) -> ExitCode:
    """Make a GitHub App in your browser; its number, private key and webhook secret are kept in the state folder."""
    need_the_server()
    from bot.settings import SetupSettings  # noqa: PLC0415 (needs what the server alone needs)
    from bot.settings_file import in_the_way, make_room  # noqa: PLC0415

    found = settings_of(SetupSettings, settings)
    address = _public(public_url or found.public_url)
    make_room(found, force=force)
    for other in in_the_way(os.environ):
        note(f"{other} is set in the process environment: it wins over what is kept here", quiet=settings.quiet)
    app = _walk(found, address, organization, name, _reachable(host), port, quiet=settings.quiet)
    _tell(found, app, address, as_json=settings.json)
    return ExitCode.DONE


def _public(found: str | None) -> str:
    from bot import setting_values  # noqa: PLC0415

    if not found:
        raise WrongUse(
            "where will GitHub reach the server? its webhooks go there",
            "say it: headwater setup --public-url https://headwater.example.com",
        )
    try:
        return setting_values.address(found)
    except ValueError as error:
        raise WrongUse(f"--public-url: {error}", "give the address that GitHub and the jobs will reach") from error


def _reachable(host: str) -> str:
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = not host
    if everywhere:
        raise WrongUse(
            f"--host {host}: that is no address that a browser can open",
            "give the one under which your browser reaches this machine",
        )
    return host


def _walk(
    settings: SetupSettings, public_url: str, organization: str | None, name: str, host: str, port: int, *, quiet: bool
) -> ManifestData:
    """Serve the pages until the browser has come back with an App."""
    from bot.github.app import App  # noqa: PLC0415
    from bot.settings_file import keep_app  # noqa: PLC0415
    from bot.web.listener import Listener  # noqa: PLC0415
    from bot.web.setup_app import Setup, create_setup_app, names_of  # noqa: PLC0415

    def finish(code: str) -> ManifestData:
        made = App.from_manifest_code(code, settings.github_api_url)
        keep_app(settings, made, public_url)
        return made

    setup = Setup(name, public_url, settings.github_api_url, organization, finish)
    listener = Listener(create_setup_app(setup), host, port, most_body=64 * 1024)
    setup.hosts = names_of(host, listener.port)
    thread = listener.start()
    note(f"Open {listener.url} in your browser. (Ctrl-C ends this.)", quiet=quiet)
    try:
        setup.ended.wait()
    finally:
        listener.stop()
        thread.join()
    if setup.error is not None:
        raise setup.error
    assert setup.made is not None  # noqa: S101 (it has ended, and without an error)
    return setup.made


def _tell(settings: SetupSettings, app: ManifestData, public_url: str, *, as_json: bool) -> None:
    from bot.github import urls  # noqa: PLC0415

    install_url = urls.install_url(settings.github_api_url, app.slug)
    if as_json:
        told = {"id": app.app_id, "slug": app.slug, "name": app.name, "url": app.html_url, "installUrl": install_url}
        print_json({**told, "settings": str(settings.settings_file)})
        return
    say(f"The App {printable(app.name)} (number {app.app_id}) is kept in {settings.settings_file}.")
    say()
    say("What to do next:")
    say(f"  1. Install it on your repositories: {install_url}")
    say(f"  2. Start the server where {public_url} leads to: headwater serve")
    say("  3. In each repository, write its workflow for GitHub Actions: headwater init --github")
