// What the live channels bring: the events of contract.md §8, by type.
import type { ChatMessage, Notice, Offer, OrderStatus, ServiceNote } from "@/api/answers";

export interface EventData {
  "offer.opened": Offer;
  "offer.closed": { offer_id: string; order_id: string; reason: "accepted" | "taken" | "expired" | "withdrawn" | "rejected" };
  "order.status": { order_id: string; status: OrderStatus; status_text: string; version: number; finished_at: string | null };
  "payment.status": { payment_id: string; order_id: string; status: string; status_text: string };
  "chat.message": Omit<ChatMessage, "offset">;
  "chat.read": { user_id: string; offset: number };
  "chat.typing": { user_id: string };
  "note.added": Omit<ServiceNote, "offset">;
  notice: Notice;
}

export type EventType = keyof EventData;

export interface LiveEvent<T extends EventType = EventType> {
  type: T;
  id: string;
  at: string;
  data: EventData[T];
  /** The position in its channel; 0 for what is never stored (typing). */
  offset: number;
}

/** Remembers the ids of the newest events: after a recovery the same fact may come twice. */
export class Seen {
  private readonly ids = new Set<string>();

  constructor(private readonly keptCount = 500) {}

  /** True the first time. */
  isNew(id: string): boolean {
    if (this.ids.has(id)) return false;
    this.ids.add(id);
    if (this.ids.size > this.keptCount) this.ids.delete(this.ids.values().next().value as string);
    return true;
  }
}

type Handler = (event: LiveEvent) => void;

/** Handlers by event type; each fact reaches each of them once. */
export class Handlers {
  private readonly byType = new Map<string, Set<Handler>>();
  private readonly seen = new Seen();

  on<T extends EventType>(type: T, handler: (event: LiveEvent<T>) => void): () => void {
    const held = this.byType.get(type) ?? new Set<Handler>();
    held.add(handler as Handler);
    this.byType.set(type, held);
    return () => held.delete(handler as Handler);
  }

  take(event: LiveEvent): void {
    if (!this.seen.isNew(event.id)) return;
    for (const handler of [...(this.byType.get(event.type) ?? [])]) handler(event);
  }
}

/** A publication as an event, or null for what is none. */
export function eventOf(publication: { data: unknown; offset?: number }): LiveEvent | null {
  const data = publication.data as Partial<LiveEvent> | null;
  if (!data || typeof data.type !== "string" || typeof data.id !== "string") return null;
  return { ...(data as LiveEvent), offset: publication.offset ?? 0 };
}
