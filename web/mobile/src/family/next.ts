// The order that matters now: what runs, what waits for money, else what begins next.
import type { Order } from "@/api/answers";

const RANK: Partial<Record<Order["status"], number>> = { in_service: 0, pending_payment: 1, awaiting_service: 2, paid: 3 };

export function nextOf(orders: Order[]): Order | null {
  const open = orders.filter((order) => RANK[order.status] !== undefined);
  open.sort((one, other) => (RANK[one.status] ?? 0) - (RANK[other.status] ?? 0) || Date.parse(one.start_at) - Date.parse(other.start_at));
  return open[0] ?? null;
}
