"""Everything that clients can ask for, in one list."""
from typing import Any

from server.care.files import Files
from server.care.uploads import Uploads
from server.handlers.care import care_operations
from server.handlers.caregivers import caregiver_operations, showcase_operations
from server.handlers.catalog import catalog_operations
from server.handlers.files import file_operations
from server.handlers.identity import identity_operations
from server.handlers.insight import insight_operations
from server.handlers.messages import message_operations, sandbox_message_operations
from server.handlers.operations import Declared
from server.handlers.orders import booking_operations, offer_operations, visit_operations
from server.handlers.patients import patient_operations
from server.handlers.payments import payment_operations, sandbox_payment_operations
from server.handlers.qualification import qualification_operations
from server.handlers.sandbox import sandbox_clock_operations
from server.push.sandbox_messages import SandboxMessages


def served_operations(peihu: Any) -> list[Declared]:
    """Operations, uploads and downloads of the product; `peihu` is the composition root."""
    base, identity, roster = peihu.base, peihu.identity, peihu.roster
    booking, billing, care, push = peihu.booking, peihu.billing, peihu.care, peihu.push
    standings = booking.core.standings
    uploads = Uploads(database=base.database, workshop=base.workshop, shelf=base.shelf)
    files = Files(database=base.database, shelf=base.shelf, links=base.links, orders=standings)
    return [
        *identity_operations(
            accounts=identity.accounts,
            codes=identity.codes,
            sign_in=identity.sign_in,
            wechat=identity.wechat,
            logins=identity.logins,
            consents=identity.consents,
            bans=identity.bans,
        ),
        *patient_operations(roster.patients, roster.viewers),
        *catalog_operations(base.catalog),
        *caregiver_operations(roster.profiles, roster.service),
        *showcase_operations(roster.search, roster.page, roster.slots, roster.cases),
        *qualification_operations(roster.qualifications, roster.audit),
        *booking_operations(booking.ordering, booking.viewing),
        *offer_operations(booking.answering),
        *visit_operations(booking.visiting, booking.cancelling, booking.reviewing),
        *payment_operations(billing.payments, billing.views, billing.settlements),
        *care_operations(chat=care.chat, notes=care.notes, typing_signals=care.typing),
        *message_operations(inbox=push.inbox, service_messages=push.service_messages),
        *file_operations(uploads=uploads, files=files),
        *insight_operations(behaviour=peihu.behaviour),
    ]


def sandbox_operations(peihu: Any) -> list[Declared]:
    """What exists in the sandbox only, and from the loopback address only (contract.md §9)."""
    return [
        *sandbox_clock_operations(advance=peihu.advance_clock, clock=peihu.base.clock, accounts=peihu.demo_accounts),
        *sandbox_message_operations(sandbox_messages=SandboxMessages(database=peihu.base.database)),
        *sandbox_payment_operations(peihu.means.till),
    ]
