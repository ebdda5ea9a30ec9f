// The login of pages inside WeChat's browser (公众号): away to WeChat, and back with a code to where one wanted to go.
//
// The proof never leaves this tab and the state travels through WeChat; the server takes the code only with both, so a
// code that somebody else sent leads nowhere.
import { Problem } from "@/api/problem";
import type { ApiClient } from "@/api/client";
import type { LoginAnswer } from "@/api/answers";
import type { KeyValue } from "./storage";

const KEY = "peihu.oa";

interface Begun {
  proof: string;
  /** The page to open afterwards, as a path of the app. */
  target: string;
}

export interface Return {
  code: string;
  state: string;
}

export type Arrival = { answer: LoginAnswer; target: string } | { bindToken: string; target: string };

export function isWeChatBrowser(agent: string): boolean {
  return agent.includes("MicroMessenger");
}

/** What WeChat put into the address; null for an address without it. */
export function returnOf(search: string): Return | null {
  const given = new Map(search.replace(/^\?/, "").split("&").map((pair) => pair.split("=") as [string, string | undefined]));
  const code = given.get("code");
  const state = given.get("state");
  return code && state ? { code: decodeURIComponent(code), state: decodeURIComponent(state) } : null;
}

/** The address at WeChat to go to. */
export async function begin(api: ApiClient, tab: KeyValue, target: string): Promise<string> {
  const { authorize_url, proof } = await api.post("/api/user/wechat_begin", {});
  tab.write(KEY, { proof, target } satisfies Begun);
  return authorize_url;
}

/** Finish what this tab began; null when it began nothing. Rejects with Problem. */
export async function finish(api: ApiClient, tab: KeyValue, came: Return): Promise<Arrival | null> {
  const begun = tab.read<Begun>(KEY);
  if (!begun) return null;
  tab.remove(KEY); // a code and its proof count once
  try {
    const proven = { wechat_code: came.code, wechat_app: "oa" as const, wechat_state: came.state, wechat_proof: begun.proof };
    return { answer: await api.post("/api/user/login", proven), target: begun.target };
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== "wechat_unbound") throw thrown;
    return { bindToken: (thrown.data as { bind_token: string }).bind_token, target: begun.target };
  }
}
