// The administrator's login: kept in the browser, renewed one at a time.
import { Problem } from "./problem";

export interface Tokens {
  token: string;
  refresh_token: string;
}

export interface Administrator {
  user_id: string;
  username: string;
  user_type: string;
  phone_masked: string;
}

export interface Login extends Tokens {
  user: Administrator;
}

const PLACE = "peihu.admin.login";

export type Renew = (refreshToken: string) => Promise<Tokens>;

/** Other tabs share the place, so it is read anew each time. */
export class Session {
  private renewing: Promise<string> | null = null;
  private readonly ended = new Set<() => void>();

  constructor(
    private readonly storage: Storage,
    private readonly renewBy: Renew,
  ) {}

  get login(): Login | null {
    try {
      return JSON.parse(this.storage.getItem(PLACE) ?? "null") as Login | null;
    } catch {
      return null;
    }
  }

  begin(login: Login): void {
    this.storage.setItem(PLACE, JSON.stringify(login));
  }

  end(): void {
    this.storage.removeItem(PLACE);
    for (const tell of this.ended) tell();
  }

  onEnd(tell: () => void): void {
    this.ended.add(tell);
  }

  /** A token that is newer than `stale`. Throws when the login has ended. */
  renewed(stale: string): Promise<string> {
    const login = this.login;
    if (login && login.token !== stale) return Promise.resolve(login.token);
    this.renewing ??= this.renew().finally(() => (this.renewing = null));
    return this.renewing;
  }

  private async renew(): Promise<string> {
    const login = this.login;
    if (!login) throw new Problem("unauthorized", "请先登录", 401);
    try {
      const tokens = await this.renewBy(login.refresh_token);
      this.begin({ ...login, ...tokens });
      return tokens.token;
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.status === 401) this.end();
      throw thrown;
    }
  }
}
