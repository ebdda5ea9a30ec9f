// The composition root: what exists once.
import { Client } from "./api/client";
import { Session, type Tokens } from "./api/session";
import { Ops } from "./live/ops";

export const session: Session = new Session(localStorage, (refreshToken) =>
  api.ask<Tokens>("/api/user/refresh", { refresh_token: refreshToken }),
);
export const api: Client = new Client(() => session);
export const ops = new Ops(session);
