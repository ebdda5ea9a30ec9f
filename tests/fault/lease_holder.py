"""A process that takes a lease, waits to be told, and then does the work it believes to be its own.

    python -m tests.fault.lease_holder STORE_URL LASTS_S

It prints `held N`; for a line on its input it writes one row under the lease, and prints `wrote` or `lost`.
"""

import asyncio
import sys

from sqlalchemy import insert

from server.storage.fencing import LostLease, under
from server.storage.leases import Leases
from server.storage.sealed import FieldKeys
from server.storage.sql import Database
from server.storage.tables.system import business_clock

NAME = "orders"


def row(clock_id):
    """The work: a row that anybody can look for."""
    return lambda tx: tx.run(insert(business_clock).values(clock_id=clock_id, offset_s=0.0))


async def main(url, lasts_s):
    database = Database(url, keys=FieldKeys("k" * 32), readers=1, acquire_timeout_s=10.0)
    leases = Leases(database=database, holder="the-one-that-sleeps", lasts_s=lasts_s)
    leases.start()
    held = await leases.hold(NAME)
    print("held", held.fence, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            with under(held):
                await database.write(row(int(line)))
            print("wrote", flush=True)
        except LostLease:
            print("lost", flush=True)
    await leases.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
