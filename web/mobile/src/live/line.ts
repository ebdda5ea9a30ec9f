// The live line: one socket for the whole app, kept by the official centrifuge client.
//
// It reconnects and recovers by itself. What it cannot recover it says (`onGap`), and whoever shows that state fetches
// it again by REST: events make pages quick, REST makes them right.
import { Centrifuge, UnauthorizedError } from "centrifuge";

import type { Bearer } from "@/api/client";
import { problemOf } from "@/api/problem";
import { eventOf, Handlers, type EventType, type LiveEvent } from "./events";
import { OrderChannel } from "./orderChannel";

export type LineState = "off" | "connecting" | "on";

export interface LineParts {
  url: string;
  bearer: Bearer;
  /** A WebSocket class; undefined: the platform's own. */
  websocket?: unknown;
  /** What tells `online` and `offline`; undefined: window. */
  network?: unknown;
  heard: (at: string) => void;
  /** The server closed for good: why, for people. */
  ended: (sentence: string) => void;
  now?: () => number;
}

const LONG_AWAY_MS = 30_000;
// Terminal closes (docs/protocol.md) whose login lives on: logging in again would not help.
const ENDINGS: Record<number, string> = {
  3500: "登录已过期，请重新登录",
  3501: "当前版本过旧，请更新后重新登录",
  3503: "账号已在别处退出或被停用，请重新登录",
  3504: "同一账号打开的窗口太多，请关闭一些后重新登录",
  3507: "当前账号没有权限，请重新登录",
};

export class Line {
  private client: Centrifuge | null = null;
  private readonly handlers = new Handlers();
  private readonly gaps = new Set<() => void>();
  private readonly stateListeners = new Set<(state: LineState) => void>();
  private readonly channels = new Map<string, OrderChannel>();
  private handedOut: string | null = null;
  private current: LineState = "off";

  constructor(private readonly parts: LineParts) {}

  get state(): LineState {
    return this.current;
  }

  start(): void {
    if (this.client) return;
    const client = new Centrifuge(this.parts.url, {
      name: "peihu-mobile",
      getToken: () => this.token(),
      minReconnectDelay: 500,
      maxReconnectDelay: 15_000,
      ...(this.parts.websocket ? { websocket: this.parts.websocket } : {}),
      ...(this.parts.network ? { networkEventTarget: this.parts.network as EventTarget } : {}),
    });
    this.client = client;
    client.on("connecting", () => this.become("connecting"));
    client.on("connected", () => this.become("on"));
    client.on("disconnected", ({ code }) => this.disconnected(client, code));
    client.on("publication", (publication) => this.take(publication));
    client.on("subscribed", ({ wasRecovering, recovered }) => {
      // The first time, too: what happened before the line stood is known to REST only.
      if (!wasRecovering || !recovered) this.gap();
    });
    client.connect();
    for (const channel of this.channels.values()) channel.attach(client);
  }

  stop(): void {
    const client = this.client;
    this.client = null;
    this.handedOut = null;
    for (const channel of this.channels.values()) channel.detach();
    client?.disconnect();
    this.become("off");
  }

  /** Events of `user:`; each fact once. Returns how to stop listening. */
  onUserEvent<T extends EventType>(type: T, handler: (event: LiveEvent<T>) => void): () => void {
    return this.handlers.on(type, handler);
  }

  /** Called when events of `user:` may have been missed: fetch what you show. */
  onGap(handler: () => void): () => void {
    this.gaps.add(handler);
    return () => this.gaps.delete(handler);
  }

  onState(listener: (state: LineState) => void): () => void {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  }

  /** The channel of an order; call its `leave` for each `join`. */
  order(orderId: string): OrderChannel {
    let channel = this.channels.get(orderId);
    if (!channel) {
      channel = new OrderChannel(orderId, {
        heard: (at) => this.parts.heard(at),
        unused: () => this.channels.delete(orderId),
        now: this.parts.now ?? Date.now,
      });
      this.channels.set(orderId, channel);
      if (this.client) channel.attach(this.client);
    }
    return channel;
  }

  /** The app is seen again after `awayMs`: reconnect at once, and after a long time fetch everything. */
  comeBack(awayMs: number): void {
    const client = this.client;
    if (!client) return;
    const long = awayMs > LONG_AWAY_MS;
    if (long || client.state !== "connected") {
      // A socket that slept may be dead without knowing it.
      client.disconnect();
      client.connect();
    }
    if (long) {
      this.gap();
      for (const channel of this.channels.values()) channel.gap();
    }
  }

  private async token(): Promise<string> {
    const { bearer } = this.parts;
    const held = bearer.access();
    if (held === null) throw new UnauthorizedError("nobody is logged in");
    try {
      // Asked for another one than it was given: that one has expired.
      this.handedOut = held === this.handedOut ? await bearer.renew(held) : held;
      return this.handedOut;
    } catch (thrown) {
      if (problemOf(thrown).status === 401) throw new UnauthorizedError("the login has ended");
      throw thrown;
    }
  }

  private take(publication: { data: unknown; offset?: number }): void {
    const event = eventOf(publication);
    if (!event) return;
    this.parts.heard(event.at);
    this.handlers.take(event);
  }

  private gap(): void {
    for (const handler of [...this.gaps]) handler();
  }

  private disconnected(client: Centrifuge, code: number): void {
    if (this.client !== client || code === 0) return; // our own doing
    this.become("off");
    const terminal = (code >= 3500 && code < 4000) || (code >= 4500 && code < 5000);
    if (!terminal) return;
    this.stop();
    this.parts.ended(ENDINGS[code] ?? "连接被服务器结束，请重新登录");
  }

  private become(state: LineState): void {
    if (this.current === state) return;
    this.current = state;
    for (const listener of [...this.stateListeners]) listener(state);
  }
}
