"""What would free an environment that is not where somebody wants it, for every state and reason. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bot.decide.transitions import Code, TaskState


@dataclass(frozen=True, slots=True)
class Way:
    """One way on. `words` go on after "it goes on" where nobody has to do anything; `{}` in them stands for `names`.

    Else `verb` with `aliases` and `option` is the command, as it is called in a terminal and in a comment alike.
    """

    words: str
    names: tuple[str, ...] = ()
    verb: str = ""
    aliases: tuple[str, ...] = ()
    option: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an environment's latest deploy or destroy stands. `behind`: the deployment that it queues behind.

    `asking`: what waits for approval in the same deployment. `at_work`: how many attempts of its repository are.
    `unsure`: why it is not known whether it may begin. `held`: its job waits for the rules of its GitHub environment.
    `kept_back`: why GitHub cannot be asked for it now.
    """

    alias: str
    state: TaskState
    code: Code
    detail: str = ""
    waits_for: tuple[str, ...] = ()
    behind: int | None = None
    asking: tuple[str, ...] = ()
    at_work: int = 0
    unsure: str = ""
    held: bool = False
    kept_back: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What keeps it, by name: what broke upstream, what holds it, what took its place, what it lacks."""
        return tuple(one for one in self.detail.split(", ") if one)


def ways(place: Place) -> tuple[Way, ...]:
    """What would free it, most likely first; nothing where it is where it should be."""
    alias = (place.alias,)
    match place.state:
        case TaskState.WAITING:
            return _waiting(place)
        case TaskState.READY | TaskState.DISPATCHED:
            return (_starting(place),)
        case TaskState.RUNNING:
            return (Way("by itself, once its tool has ended"),)
        case TaskState.LOST:
            return (
                Way("by itself, once its job is known to have ended"),
                Way("an admin who is sure that the tool has ended", verb="retry", option="--force"),
            )
        case TaskState.NEEDS_APPROVAL:
            return (
                Way("somebody who may approves the plan", verb="approve", aliases=alias),
                Way("or calls it off", verb="reject", aliases=alias),
            )
        case TaskState.SUCCEEDED:
            return ()
        case _:
            return _ended(place)


def _waiting(place: Place) -> tuple[Way, ...]:
    if place.asking and place.waits_for:
        return (Way("somebody who may approves what it waits for", verb="approve", aliases=place.asking[:_MOST_NAMED]),)
    if place.behind is not None:
        return (Way(f"by itself, once deployment {place.behind} has ended"),)
    if place.waits_for:
        more = len(place.waits_for) - _MOST_NAMED
        succeed = f"and {more} more succeed" if more > 0 else "succeeds"
        return (Way(f"by itself, once {{}} {succeed}", place.waits_for[:_MOST_NAMED]),)
    if place.kept_back:
        return (_kept_back(place),)
    return (Way("by itself, in a moment: its turn has come"),)


def _starting(place: Place) -> Way:
    """What is to begin, as far as Headwater goes."""
    if place.unsure and place.state is TaskState.READY:
        return Way("by itself, once that is known: {}", (place.unsure,))
    if place.kept_back:
        return _kept_back(place)
    if place.state is TaskState.READY:
        return Way(f"by itself, once a job is free: {place.at_work} are at work")
    if place.held:
        return Way("once the rules of its GitHub environment let its job start: who may says so on its page there")
    return Way("by itself, once its job has a machine and claims it")


def _kept_back(place: Place) -> Way:
    return Way("by itself, once GitHub can be asked for it again: {}", (place.kept_back,))


def _ended(place: Place) -> tuple[Way, ...]:
    """What came to an end short of success."""
    alias, names = (place.alias,), place.names
    if place.code is Code.LOCKED:
        return (
            Way("once {} is merged or restored, or an admin has freed it", names, verb="retry"),
            Way("an admin frees it", verb="unlock", aliases=alias),
        )
    found = {
        Code.UPSTREAM_BROKEN: Way("once {} is mended", names, verb="retry"),
        Code.CANNOT_START: Way("once that is mended", verb="retry"),
        Code.SUPERSEDED: Way("in {}, which took its place", names),
        Code.AFTER_UPSTREAM: Way("once {} is deployed", names, verb="deploy", aliases=names),
        Code.NEEDS_VALUE: Way("a deploy gets {}", names, verb="deploy", aliases=alias),
        Code.HAS_CHANGES: Way("a deploy makes it as the code says", verb="deploy", aliases=alias),
        Code.VOIDED: Way("to deploy what is there now", verb="deploy", aliases=alias),
        Code.CANCELLED: _SAME,
        Code.FREED: _SAME,
        Code.FAIL_FAST: _SAME,
        Code.WITHDRAWN: Way("once somebody may again, or it is reviewed again", verb="retry"),
        Code.REJECTED: _SAME,
    }
    return (found.get(place.code, _AGAIN),)


_MOST_NAMED = 5
_SAME = Way("to go on with the same", verb="retry")
_AGAIN = Way("push a commit that mends this. To try again as it is", verb="retry")
