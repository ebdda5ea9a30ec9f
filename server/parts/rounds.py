"""What happens without a request, and how often."""

from collections.abc import Awaitable, Callable, Collection

from server.booking.orders.standing import Standings
from server.insight.crowd import Crowd
from server.jobs.backups import ScheduledBackup
from server.jobs.clock_watch import LOOK_EVERY_S, ClockWatch
from server.jobs.loops import Job
from server.jobs.orders import OrderRound
from server.jobs.revocations import POLL_EVERY_S, AccessPoll, RevocationPoll
from server.parts.areas import Areas
from server.parts.foundation import Foundation
from server.parts.orders import BookingPart
from server.storage.files.orphans import Orphans
from server.storage.retention import Retention
from server.ws.live import LiveChannels

BACKUP = "backup"
_LOOK_FOR_BACKUPS_EVERY_S = 60.0


def order_round(base: Foundation, booking: BookingPart) -> OrderRound:
    return OrderRound(
        database=base.database,
        due=booking.due,
        matching=booking.core.matching,
        endings=booking.endings,
        visiting=booking.visiting,
        unpaid=booking.unpaid,
        clock=base.clock,
    )


def retention_jobs(base: Foundation, areas: Areas) -> list[Job]:
    """What takes away that which has had its time; a round tells how much it took."""
    orphans = Orphans(store=base.files, database=base.database)
    own_disk = base.documents is None
    patiently = base.documents.while_it_answers if base.documents else _now
    return [
        Job("retention", Retention(database=base.database).run_once, 3_600.0),
        Job("login_retention", areas.identity.logins.forget_ended, 3_600.0),
        Job("invite_retention", areas.roster.viewers.forget_invites, 3_600.0),
        Job("behaviour_retention", patiently(areas.behaviour.prune), 3_600.0),
        Job("file_sweep", patiently(lambda: base.files.sweep(older_than_s=3_600.0)), 3_600.0, in_each=own_disk),
        Job("file_orphans", patiently(lambda: orphans.remove(older_than_s=3_600.0)), 3_600.0, in_each=own_disk),
    ]


def eternal_jobs(
    base: Foundation,
    areas: Areas,
    *,
    orders: OrderRound,
    live: LiveChannels,
    clock_watch: ClockWatch,
    backup: ScheduledBackup | None,
    follow_business_time: Callable[[], Awaitable[None]],
) -> list[Job]:
    """Every job that runs here and the pause after each of its rounds, in seconds."""
    identity, billing = areas.identity, areas.billing
    revocations = RevocationPoll(
        login_ids=live.login_ids,
        ended_logins=identity.logins.ended_logins,
        revoke_login=lambda login_id: live.revoke(user_id=None, login_id=login_id),
    )
    access = AccessPoll(
        followers=live.registry.followers,
        parties=_parties(base, areas.core.standings),
        access_ended=live.registry.access_ended,
    )
    crowd = Crowd(
        database=base.database,
        instance_id=base.instance_id,
        count=lambda: live.registry.users_of_type("caregiver"),
    )
    jobs = [
        Job("business_time", follow_business_time, 0.5, in_each=True),
        Job("clock", clock_watch.run_once, LOOK_EVERY_S, in_each=True),
        Job("rules", base.rulebook.refresh, 1.0, in_each=True),
        Job("orders", orders.run_once, 0.5),
        Job("payments", billing.watch.check_due, 1.0),
        Job("refunds", billing.refunds.check_due, 1.0),
        Job("settlement", billing.settlements.release_due, 5.0),
        Job("crowd", crowd.run_once, 5.0, in_each=True),
        Job("alarms", areas.oversight.round.run_once, 2.0),
        Job("revocations", revocations.run_once, POLL_EVERY_S, in_each=True),
        Job("access", access.run_once, POLL_EVERY_S, in_each=True),
        Job("patient_names", areas.roster.patients.fill_name_hashes, 60.0),
        *retention_jobs(base, areas),
    ]
    if backup is not None:
        jobs.append(Job(BACKUP, backup.run_once, _LOOK_FOR_BACKUPS_EVERY_S, lasts_s=backup.every_s))
    if base.documents is not None:
        jobs += base.documents.jobs()
    everything = "jobs" in base.settings.roles
    return [job for job in jobs if everything or job.in_each]


def _now(work: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
    """What no other store is needed for."""
    return work


def _parties(base: Foundation, standings: Standings) -> Callable[[Collection[str]], Awaitable[dict[str, set[str]]]]:
    async def parties(order_ids: Collection[str]) -> dict[str, set[str]]:
        async with base.database.read() as tx:
            return await standings.parties(tx, order_ids)

    return parties
