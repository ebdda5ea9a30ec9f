// The other end of the live line: a WebSocket class for centrifuge, and what its server says.

interface Command {
  id?: number;
  connect?: { token: string; subs?: Record<string, { recover: boolean; offset: number; epoch: string }> };
  subscribe?: { channel: string; recover?: boolean; offset?: number };
  rpc?: { method: string; data: unknown };
  [method: string]: unknown;
}

export interface Sub {
  recovered?: boolean;
  missed?: { data: unknown; offset: number }[];
  error?: { code: number; message: string };
}

export class SocketServer {
  readonly commands: Command[] = [];
  /** Tokens that are answered with 109. */
  readonly expired = new Set<string>();
  readonly subs = new Map<string, Sub>();
  userSub: Sub = {};
  socket: FakeSocket | null = null;

  /** The class to be given to the house. */
  get websocket(): unknown {
    const server = this;
    return class extends FakeSocket {
      constructor() {
        super(server);
      }
    };
  }

  asked(method: string): Command[] {
    return this.commands.filter((command) => method in command);
  }

  take(command: Command): void {
    this.commands.push(command);
    const { id, connect, subscribe, rpc } = command;
    if (connect) return this.connect(id as number, connect);
    if (subscribe) {
      const sub = this.subs.get(subscribe.channel) ?? {};
      if (sub.error) return this.say({ id, error: sub.error });
      return this.say({ id, subscribe: this.subscribed(sub, subscribe.recover === true) });
    }
    if (rpc) return this.say({ id, rpc: { data: {} } });
    if (command.presence) return this.say({ id, presence: { presence: { c1: { user: "u1", client: "c1" } } } });
    if (id) this.say({ id, [Object.keys(command).find((key) => key !== "id") as string]: {} });
  }

  publish(channel: string, data: unknown, offset?: number): void {
    this.say({ push: { channel, pub: { data, ...(offset ? { offset } : {}) } } });
  }

  say(reply: unknown): void {
    this.socket?.onmessage?.({ data: JSON.stringify(reply) });
  }

  close(code: number, reason: string): void {
    this.socket?.closeByServer(code, reason);
  }

  private connect(id: number, { token, subs }: NonNullable<Command["connect"]>): void {
    if (this.expired.has(token)) return this.say({ id, error: { code: 109, message: "token expired" } });
    const recovers = Object.keys(subs ?? {}).length > 0;
    this.say({ id, connect: { client: "c", version: "1", ping: 25, pong: true, subs: { "user:u1": this.subscribed(this.userSub, recovers) } } });
  }

  private subscribed(sub: Sub, recovers: boolean): unknown {
    return {
      recoverable: true, positioned: true, epoch: "e", offset: 1,
      ...(recovers ? { was_recovering: true, recovered: sub.recovered !== false, publications: sub.missed ?? [] } : {}),
    };
  }
}

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;

  constructor(private readonly server: SocketServer) {
    server.socket = this;
    queueMicrotask(() => this.onopen?.());
  }

  send(text: string): void {
    for (const line of text.split("\n")) {
      const command = JSON.parse(line) as Command;
      queueMicrotask(() => this.server.socket === this && this.server.take(command));
    }
  }

  close(): void {
    this.closeByServer(1000, "");
  }

  closeByServer(code: number, reason: string): void {
    if (this.server.socket === this) this.server.socket = null;
    this.onclose?.({ code, reason });
  }
}
