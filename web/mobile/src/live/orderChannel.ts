// One order's channel: its events once, who is there, and who is typing.
import type { Centrifuge, Subscription } from "centrifuge";

import { eventOf, Handlers, type EventType, type LiveEvent } from "./events";

export type ChannelState = "joining" | "live" | "closed";

interface ChannelParts {
  heard: (at: string) => void;
  unused: () => void;
  now: () => number;
}

const TYPING_EVERY_MS = 2_500;

export class OrderChannel {
  private client: Centrifuge | null = null;
  private subscription: Subscription | null = null;
  private readonly handlers = new Handlers();
  private readonly gaps = new Set<() => void>();
  private readonly listeners = new Set<() => void>();
  private readonly present = new Set<string>();
  private current: ChannelState = "joining";
  private userCount = 0;
  private typedAt = 0;

  constructor(private readonly orderId: string, private readonly parts: ChannelParts) {}

  get state(): ChannelState {
    return this.current;
  }

  /** Ids of the users who have this order open, our own among them. */
  get presentUsers(): string[] {
    return [...this.present];
  }

  on<T extends EventType>(type: T, handler: (event: LiveEvent<T>) => void): () => void {
    return this.handlers.on(type, handler);
  }

  /** Called when events may have been missed, and at the first subscription: fetch by REST. */
  onGap(handler: () => void): () => void {
    this.gaps.add(handler);
    return () => this.gaps.delete(handler);
  }

  /** Called when `state` or `presentUsers` changed. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  join(): void {
    this.userCount += 1;
    if (this.userCount === 1) this.subscribe();
  }

  leave(): void {
    this.userCount -= 1;
    if (this.userCount > 0) return;
    this.detach();
    this.parts.unused();
  }

  attach(client: Centrifuge): void {
    this.client = client;
    if (this.userCount > 0) this.subscribe();
  }

  detach(): void {
    const { client, subscription } = this;
    this.client = null;
    this.subscription = null;
    if (client && subscription) {
      subscription.removeAllListeners();
      client.removeSubscription(subscription);
    }
    this.present.clear();
    this.become("joining");
  }

  gap(): void {
    for (const handler of [...this.gaps]) handler();
  }

  /** Tell the others that one is typing; never stored, and lost without harm. */
  typing(): void {
    const now = this.parts.now();
    if (!this.client || this.current !== "live" || now - this.typedAt < TYPING_EVERY_MS) return;
    this.typedAt = now;
    this.client.rpc("chat.typing", { order_id: this.orderId }).catch(() => {});
  }

  private subscribe(): void {
    const client = this.client;
    if (!client || this.subscription) return;
    const subscription = client.newSubscription(`order:${this.orderId}`, { joinLeave: true });
    this.subscription = subscription;
    subscription.on("publication", (publication) => {
      const event = eventOf(publication);
      if (!event) return;
      this.parts.heard(event.at);
      this.handlers.take(event);
    });
    subscription.on("subscribing", () => this.become("joining"));
    subscription.on("subscribed", ({ wasRecovering, recovered }) => {
      this.become("live");
      if (!wasRecovering || !recovered) this.gap();
      this.lookAround(subscription);
    });
    // Refused (103) or thrown out: the order is no longer ours to see; REST says what is.
    subscription.on("unsubscribed", () => {
      this.become("closed");
      this.gap();
    });
    subscription.on("join", ({ info }) => this.arrive(info.user, true));
    subscription.on("leave", ({ info }) => this.arrive(info.user, false));
    subscription.subscribe();
  }

  private lookAround(subscription: Subscription): void {
    subscription.presence().then(
      ({ clients }) => {
        this.present.clear();
        for (const { user } of Object.values(clients)) this.present.add(user);
        this.changed();
      },
      () => {}, // the line broke again; the next subscription looks anew
    );
  }

  private arrive(user: string, isThere: boolean): void {
    if (isThere) this.present.add(user);
    else this.present.delete(user);
    this.changed();
  }

  private become(state: ChannelState): void {
    if (this.current === state) return;
    this.current = state;
    this.changed();
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
