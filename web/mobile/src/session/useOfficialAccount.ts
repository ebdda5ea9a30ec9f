// WeChat's browser at the app's start: come back from a login, or begin one for the order that a notice names.
import { problemOf } from "@/api/problem";
import { useHouse } from "@/house";
import { go, ROUTES } from "@/shell/routes";
import { useSession } from "@/stores/session";
import { begin, finish, isWeChatBrowser, returnOf } from "./officialAccount";
import { tabStorage } from "./storage";

export interface OfficialAccountUse {
  /** Whether these pages stand in WeChat's browser. */
  isHere: boolean;
  /** Away to WeChat, to come back at `target`. */
  leave: (target: string) => Promise<void>;
  /** Once, when the app starts. */
  start: () => Promise<void>;
}

export function useOfficialAccount(): OfficialAccountUse {
  const { api } = useHouse();
  const session = useSession();
  // #ifdef H5
  const isHere = isWeChatBrowser(navigator.userAgent);
  const tab = tabStorage();

  async function leave(target: string): Promise<void> {
    location.href = await begin(api, tab, target);
  }

  async function start(): Promise<void> {
    const came = returnOf(location.search);
    if (!came) {
      const target = location.hash.slice(1);
      // Who opens an order from a notice of the official account is logged in without a tap.
      if (isHere && !session.isIn && target.includes("order_id=")) await leave(target).catch(() => {}); // the page itself asks to log in
      return;
    }
    history.replaceState(null, "", location.pathname + location.hash);
    try {
      const arrival = await finish(api, tab, came);
      if (!arrival) return;
      if ("bindToken" in arrival) return go(ROUTES.bind, { token: arrival.bindToken, target: arrival.target });
      await session.enter(arrival.answer);
      uni.reLaunch({ url: arrival.target || ROUTES.start });
    } catch (thrown) {
      session.farewell = problemOf(thrown).sentence;
      go(ROUTES.login);
    }
  }
  return { isHere, leave, start };
  // #endif
  // #ifndef H5
  return { isHere: false, leave: async () => {}, start: async () => {} };
  // #endif
}
