// The `ops` channel: alarms as they are raised and closed.
import { Centrifuge, UnauthorizedError } from "centrifuge";
import { ref } from "vue";

import { Problem } from "../api/problem";
import type { Session } from "../api/session";

export interface OpsEvent {
  type: string;
  id: string;
  at: string;
  data: { alarm_id: string; kind: string; order_id: string | null; text?: string };
}

export type LineState = "connected" | "connecting" | "disconnected";

export class Ops {
  readonly state = ref<LineState>("disconnected");
  private readonly hearers = new Set<(event: OpsEvent | null) => void>();
  private client: Centrifuge | null = null;

  constructor(private readonly session: Session) {
    session.onEnd(() => this.close());
  }

  /** Connect once; repeated calls do nothing. */
  open(): void {
    if (this.client) return;
    const client = (this.client = new Centrifuge(address(), {
      token: this.session.login?.token ?? "",
      getToken: () => this.newToken(),
    }));
    client.on("connecting", () => (this.state.value = "connecting"));
    client.on("connected", () => (this.state.value = "connected"));
    client.on("disconnected", () => (this.state.value = "disconnected"));
    const channel = client.newSubscription("ops");
    channel.on("publication", ({ data }) => this.tell(data as OpsEvent));
    channel.on("subscribed", ({ wasRecovering, recovered }) => {
      if (!wasRecovering || !recovered) this.tell(null);
    });
    channel.subscribe();
    client.connect();
  }

  close(): void {
    this.client?.disconnect();
    this.client = null;
  }

  /** `null`: something may have been missed, ask anew. Returns how to stop. */
  hear(hearer: (event: OpsEvent | null) => void): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  private tell(event: OpsEvent | null): void {
    for (const hearer of this.hearers) hearer(event);
  }

  private async newToken(): Promise<string> {
    try {
      return await this.session.renewed(this.session.login?.token ?? "");
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.status === 401) throw new UnauthorizedError("the login has ended");
      throw thrown;
    }
  }
}

function address(): string {
  return `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/connection/websocket`;
}
