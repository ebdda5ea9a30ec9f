"""Everything that clients can ask for, in one list."""
from collections.abc import Awaitable, Callable
from typing import Any

from server.care.files import Files
from server.care.uploads import Uploads
from server.core.operation import Operation
from server.handlers.routes import Declared
from server.handlers.subjects.admin.accounts import account_operations
from server.handlers.subjects.admin.orders import desk_operations
from server.handlers.subjects.admin.oversight import oversight_operations
from server.handlers.subjects.admin.overview import overview_operations
from server.handlers.subjects.admin.papers import paper_operations
from server.handlers.subjects.admin.refunds import refund_operations
from server.handlers.subjects.admin.settings import settings_operations
from server.handlers.subjects.care import care_operations
from server.handlers.subjects.caregivers import caregiver_operations, showcase_operations
from server.handlers.subjects.catalog import catalog_operations
from server.handlers.subjects.files import file_operations
from server.handlers.subjects.identity import identity_operations
from server.handlers.subjects.insight import insight_operations
from server.handlers.subjects.messages import message_operations
from server.handlers.subjects.orders import booking_operations, offer_operations, visit_operations
from server.handlers.subjects.patients import patient_operations
from server.handlers.subjects.payments import payment_operations
from server.handlers.subjects.qualification import qualification_operations
from server.handlers.subjects.sandbox import (
    sandbox_clock_operations,
    sandbox_message_operations,
    sandbox_payment_operations,
)
from server.parts.areas import Areas
from server.parts.foundation import Foundation
from server.payment.sandbox_till import SandboxTill
from server.push.sandbox_messages import SandboxMessages


def served_operations(base: Foundation, areas: Areas) -> list[Declared]:
    """Operations, uploads and downloads of the product."""
    identity, roster, booking, billing = areas.identity, areas.roster, areas.booking, areas.billing
    care, push, desk, standings = areas.care, areas.push, areas.desk, areas.core.standings
    uploads = Uploads(database=base.database, workshop=base.workshop, shelf=base.shelf)
    files = Files(database=base.database, shelf=base.shelf, links=base.links, orders=standings)
    declared: list[Declared] = [
        *identity_operations(
            accounts=identity.accounts,
            codes=identity.codes,
            sign_in=identity.sign_in,
            wechat=identity.wechat,
            logins=identity.logins,
            consents=identity.consents,
        ),
        *patient_operations(roster.patients, roster.viewers),
        *catalog_operations(base.terms, clock=base.clock),
        *caregiver_operations(roster.profiles, roster.service),
        *showcase_operations(roster.search, roster.page, roster.slots, roster.cases),
        *qualification_operations(roster.qualifications),
        *booking_operations(booking.ordering, booking.viewing),
        *offer_operations(booking.answering),
        *visit_operations(booking.visiting, booking.cancelling, booking.reviewing),
        *payment_operations(billing.payments, billing.views, billing.settlements),
        *care_operations(chat=care.chat, notes=care.notes, typing_signals=care.typing),
        *message_operations(inbox=push.inbox, service_messages=push.service_messages),
        *file_operations(uploads=uploads, files=files),
        *insight_operations(behaviour=areas.behaviour),
        *overview_operations(areas.overview),
        *paper_operations(roster.audit, roster.desk),
        *account_operations(directory=identity.directory, measures=identity.measures, bans=identity.bans),
        *desk_operations(
            listing=desk.listing,
            file=desk.file,
            candidates=desk.candidates,
            reassigning=desk.reassigning,
            interventions=desk.interventions,
        ),
        *refund_operations(after_sales=desk.after_sales, requests=desk.requests),
        *settings_operations(areas.rules),
        *oversight_operations(trail=areas.oversight.trail, alarms=areas.oversight.alarms),
    ]
    watch = areas.oversight.reads.watched
    return [watch(one) if isinstance(one, Operation) else one for one in declared]


def sandbox_operations(
    base: Foundation,
    *,
    till: SandboxTill,
    advance_clock: Callable[[float], Awaitable[None]],
    demo_accounts: Callable[[], Awaitable[list[dict[str, Any]]]],
) -> list[Declared]:
    """What exists in the sandbox only, and from the loopback address only (contract.md §9)."""
    return [
        *sandbox_clock_operations(advance=advance_clock, clock=base.clock, accounts=demo_accounts),
        *sandbox_message_operations(sandbox_messages=SandboxMessages(database=base.database)),
        *sandbox_payment_operations(till),
    ]
