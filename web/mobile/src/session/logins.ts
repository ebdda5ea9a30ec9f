// The login of this window: its tokens, their renewal one at a time, and its end.
//
// Several tabs may share one remembered login. A refresh token counts once, so each tab looks at the shared copy
// before it renews; two tabs that renew in the same moment get the same successor from the server.
import { opened } from "@/api/envelope";
import { Problem, problemOf } from "@/api/problem";
import type { LoginAnswer, TokenPair, User } from "@/api/answers";
import type { Bearer } from "@/api/client";
import type { Transport } from "@/api/transport";
import type { KeyValue } from "./storage";

const KEY = "peihu.login";
const REFRESH_MS = 8_000;

export interface Login {
  user: User;
  token: string;
  refresh_token: string;
}

interface LoginsParts {
  transport: Transport;
  baseUrl: string;
  device: KeyValue;
  tab: KeyValue;
  pause: (ms: number) => Promise<void>;
}

export class Logins implements Bearer {
  /** Told once when the server no longer knows this login. */
  onEnded: (sentence: string) => void = () => {};
  private login: Login | null;
  private place: KeyValue;
  private renewing: Promise<string> | null = null;

  constructor(private readonly parts: LoginsParts) {
    const inTab = parts.tab.read<Login>(KEY);
    this.place = inTab ? parts.tab : parts.device;
    this.login = inTab ?? parts.device.read<Login>(KEY);
  }

  get user(): User | null {
    return this.login?.user ?? null;
  }

  access(): string | null {
    return this.login?.token ?? null;
  }

  /** `remember` false: only for this window, as with the demo accounts. */
  enter(answer: LoginAnswer, remember: boolean): void {
    this.place = remember ? this.parts.device : this.parts.tab;
    if (remember) this.parts.tab.remove(KEY);
    this.login = null;
    this.keep({ user: answer.user, token: answer.token, refresh_token: answer.refresh_token });
  }

  forget(): void {
    if (this.isKeptAsOurs()) this.place.remove(KEY);
    this.login = null;
    this.renewing = null;
  }

  /** The login has ended for good: forget it and say why. */
  end(sentence: string): void {
    if (this.login === null) return;
    this.forget();
    this.onEnded(sentence);
  }

  renew(stale: string): Promise<string> {
    if (this.login && this.login.token !== stale) return Promise.resolve(this.login.token);
    this.renewing ??= this.exchange(stale).finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  private async exchange(stale: string): Promise<string> {
    const shared = this.place.read<Login>(KEY);
    if (shared && this.isKeptAsOurs() && shared.token !== stale) {
      this.login = shared; // another tab has renewed it
      return shared.token;
    }
    const held = this.login;
    if (!held) throw new Problem({ code: "unauthorized", status: 401, sentence: "请先登录" });
    try {
      const pair = await this.ask(held.refresh_token);
      if (this.login !== held) throw new Problem({ code: "unauthorized", status: 401, sentence: "请先登录" });
      this.keep({ ...held, token: pair.token, refresh_token: pair.refresh_token });
      return pair.token;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem.status === 401 || problem.status === 403) this.end("登录已过期，请重新登录");
      throw problem;
    }
  }

  /** The same token again within seconds gets the same successor, so a lost answer is simply asked for again. */
  private async ask(refreshToken: string): Promise<TokenPair> {
    const send = async (): Promise<TokenPair> =>
      opened(
        await this.parts.transport.request({
          method: "POST",
          url: `${this.parts.baseUrl}/api/user/refresh`,
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ refresh_token: refreshToken }),
          timeoutMs: REFRESH_MS,
        }),
      ) as TokenPair;
    try {
      return await send();
    } catch (thrown) {
      if (!problemOf(thrown).isUnsettled) throw thrown;
      await this.parts.pause(500);
      return send();
    }
  }

  /** False once another tab has logged in as somebody else: what is kept there is theirs. */
  private isKeptAsOurs(): boolean {
    const kept = this.place.read<Login>(KEY);
    return kept !== null && kept.user.user_id === this.login?.user.user_id;
  }

  private keep(login: Login): void {
    if (this.login && this.login.user.user_id === login.user.user_id && !this.isKeptAsOurs()) this.place = this.parts.tab;
    this.login = login;
    this.place.write(KEY, login);
  }
}
