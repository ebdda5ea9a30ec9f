// A small client of the Centrifuge JSON protocol: one socket, recovery, rpc.
//
// Keeps a position (epoch, offset) for every channel and hands it back after a break, so that what was
// missed arrives once and in order. When the server cannot recover, `onGap(channel)` asks the page to
// load its state again.

const MIN_DELAY_MS = 300;
const MAX_DELAY_MS = 8000;
const ANSWER_MS = 8000;
const PING_SLACK_MS = 10000;
const TOKEN_EXPIRED = 109;

export class LiveError extends Error {
  constructor(code, message, temporary) {
    super(message);
    this.code = message.split(":")[0];
    this.status = code;
    this.temporary = Boolean(temporary);
  }
}

export class Live {
  // getToken(renew) -> Promise<string>; onEvent(channel, data, offset); onState("on" | "off" | "ended")
  constructor({ url, getToken, onEvent, onState, onGap, onSeen }) {
    Object.assign(this, { url, getToken, onEvent, onState, onGap, onSeen });
    this.wanted = new Set(); // channels the page follows
    this.positions = new Map(); // channel -> {epoch, offset}
    this.waiting = new Map(); // command id -> {resolve, reject, timer}
    this.nextId = 1;
    this.attempts = 0;
    this.ended = false;
    this.isOpen = false;
    this.renewToken = false;
  }

  start() {
    window.addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => !document.hidden && this.retryNow());
    this.open();
  }

  stop() {
    this.ended = true;
    clearTimeout(this.retryTimer);
    if (this.socket) this.socket.close(1000);
  }

  retryNow() {
    if (this.ended || this.isOpen || !this.retryTimer) return;
    clearTimeout(this.retryTimer);
    this.open();
  }

  async open() {
    this.retryTimer = null;
    let token;
    try {
      token = await this.getToken(this.renewToken);
      this.renewToken = false;
    } catch (error) {
      return this.retryLater();
    }
    if (this.ended) return;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => this.hello(token);
    socket.onmessage = (message) => this.read(message.data);
    socket.onclose = (close) => this.socket === socket && this.lost(close);
  }

  hello(token) {
    const subs = {};
    for (const [channel, position] of this.positions) {
      if (!this.wanted.has(channel)) subs[channel] = { recover: true, ...position };
    }
    this.ask("connect", { token, name: "peihu-page", subs }).then(
      (result) => this.connected(result),
      (error) => this.refused(error),
    );
  }

  refused(error) {
    this.renewToken = error.status === TOKEN_EXPIRED;
    if (error.status !== TOKEN_EXPIRED && !error.temporary) {
      this.ended = true;
      this.onState("ended", error.message);
    }
    this.socket.close(1000);
  }

  connected(result) {
    this.isOpen = true;
    this.attempts = 0;
    this.silenceMs = result.ping ? result.ping * 1000 + PING_SLACK_MS : 0;
    this.heard();
    this.onState("on");
    for (const [channel, sub] of Object.entries(result.subs || {})) this.subscribed(channel, sub);
    for (const channel of this.wanted) this.subscribe(channel);
    if (result.expires) this.planRefresh(result.ttl);
  }

  planRefresh(ttlS) {
    clearTimeout(this.refreshTimer);
    this.refreshTimer = setTimeout(async () => {
      try {
        const token = await this.getToken(true);
        const result = await this.ask("refresh", { token });
        if (result.expires) this.planRefresh(result.ttl);
      } catch (error) {
        this.planRefresh(5);
      }
    }, Math.max(ttlS - 5, 1) * 1000);
  }

  follow(channel) {
    this.wanted.add(channel);
    if (this.isOpen) this.subscribe(channel);
  }

  unfollow(channel) {
    if (!this.wanted.delete(channel)) return;
    this.positions.delete(channel);
    if (this.isOpen) this.ask("unsubscribe", { channel }).catch(() => {});
  }

  subscribe(channel) {
    const position = this.positions.get(channel);
    const request = position ? { channel, recover: true, ...position } : { channel };
    this.ask("subscribe", request).then(
      (result) => this.subscribed(channel, result),
      (error) => {
        if (error.temporary) setTimeout(() => this.isOpen && this.wanted.has(channel) && this.subscribe(channel), 1000);
        else this.wanted.delete(channel);
      },
    );
  }

  subscribed(channel, result) {
    const known = this.positions.has(channel);
    this.positions.set(channel, { epoch: result.epoch || "", offset: result.offset || 0 });
    const missed = result.publications || [];
    for (const publication of missed) this.publish(channel, publication);
    if (this.onSeen) this.onSeen(channel, { recovered: known && result.recovered, count: missed.length });
    if (known && result.was_recovering && !result.recovered) this.onGap(channel);
  }

  publish(channel, publication) {
    const position = this.positions.get(channel);
    if (publication.offset && position) {
      if (publication.offset <= position.offset) return;
      position.offset = publication.offset;
    }
    this.onEvent(channel, publication.data, publication.offset || 0);
  }

  rpc(method, data) {
    if (!this.isOpen) return Promise.reject(new LiveError(503, "offline", true));
    return this.ask("rpc", { method, data }).then((result) => result.data);
  }

  ask(method, body) {
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new LiveError(503, "timeout", true));
      }, ANSWER_MS);
      this.waiting.set(id, { method, resolve, reject, timer });
      this.socket.send(JSON.stringify({ id, [method]: body }));
    });
  }

  read(frame) {
    this.heard();
    for (const line of frame.split("\n")) {
      if (!line.trim()) continue;
      const reply = JSON.parse(line);
      if (reply.id) this.answer(reply);
      else if (reply.push) this.push(reply.push);
      else this.socket.send("{}"); // the server's ping
    }
  }

  answer(reply) {
    const asked = this.waiting.get(reply.id);
    if (!asked) return;
    this.waiting.delete(reply.id);
    clearTimeout(asked.timer);
    if (reply.error) asked.reject(new LiveError(reply.error.code, reply.error.message, reply.error.temporary));
    else asked.resolve(reply[asked.method] || {});
  }

  push({ channel, pub, unsubscribe, subscribe, disconnect }) {
    if (pub) this.publish(channel, pub);
    else if (subscribe) this.subscribed(channel, subscribe);
    else if (unsubscribe && unsubscribe.code >= 2500) this.subscribe(channel);
    else if (unsubscribe) this.wanted.delete(channel);
    else if (disconnect) this.socket.close(1000);
  }

  heard() {
    clearTimeout(this.silenceTimer);
    if (this.silenceMs) this.silenceTimer = setTimeout(() => this.socket.close(1000), this.silenceMs);
  }

  lost(close) {
    this.isOpen = false;
    clearTimeout(this.silenceTimer);
    clearTimeout(this.refreshTimer);
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new LiveError(503, "offline", true));
    }
    this.waiting.clear();
    if (this.ended) return;
    const terminal = (close.code >= 3500 && close.code < 4000) || (close.code >= 4500 && close.code < 5000);
    if (terminal) {
      this.ended = true;
      this.onState("ended", close.reason);
      return;
    }
    this.onState("off");
    this.retryLater();
  }

  retryLater() {
    const ceiling = Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** this.attempts++);
    this.retryTimer = setTimeout(() => this.open(), MIN_DELAY_MS + Math.random() * ceiling);
  }
}
