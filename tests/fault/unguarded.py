"""The product without the conditions that decide who gets an order.

python -m tests.fault.unguarded --port P
"""

import argparse
import asyncio

from server.app import Parts
from tests.fault.composed import serve_composed
from tests.race.unguarded import UnguardedClaims, UnguardedOrders


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    asyncio.run(serve_composed(port, lambda _: Parts(claims=UnguardedClaims(), orders=UnguardedOrders)))


if __name__ == "__main__":
    main()
