// What a payment's voucher asks the person's device to do next.
import { Problem } from "@/api/problem";
import { isWeChatBrowser } from "@/session/officialAccount";

/** What wx.requestPayment and WeChat's own browser want, under WeChat's names. */
export interface WeChatAsk {
  appId: string;
  timeStamp: string;
  nonceStr: string;
  package: string;
  signType: string;
  paySign: string;
}

export type NextStep =
  | { kind: "sandbox"; approvesItself: boolean }
  | { kind: "wechat"; ask: WeChatAsk }
  | { kind: "address"; url: string }
  | { kind: "wait" };

const NAMES = ["timeStamp", "nonceStr", "package", "signType", "paySign"] as const;

export function nextStepOf(voucher: Record<string, unknown>): NextStep {
  if (voucher.sandbox === true) return { kind: "sandbox", approvesItself: voucher.approves_itself === true };
  if (NAMES.every((name) => typeof voucher[name] === "string")) {
    const ask = Object.fromEntries(NAMES.map((name) => [name, voucher[name]]));
    return { kind: "wechat", ask: { appId: String(voucher.appId ?? ""), ...ask } as WeChatAsk };
  }
  const url = voucher.h5_url ?? voucher.pay_url;
  return typeof url === "string" && url.startsWith("https://") ? { kind: "address", url } : { kind: "wait" };
}

/** Where the pages run, as the server wants to know it for `method`. */
export function channelFor(method: string, agent: string): "mini" | "oa" | "h5" | null {
  // #ifdef MP-WEIXIN
  return method === "sandbox" ? null : "mini";
  // #endif
  // #ifndef MP-WEIXIN
  if (method === "sandbox") return null;
  return method === "wechat" && isWeChatBrowser(agent) ? "oa" : "h5";
  // #endif
}

const LEFT = new Problem({ code: "left", sentence: "支付没有完成，可以继续支付" });

/** Open WeChat's own sheet; resolves when the person has paid, says the phone. The server's word counts. */
export function askWeChat(ask: WeChatAsk): Promise<void> {
  // #ifdef MP-WEIXIN
  return inMiniProgram(ask);
  // #endif
  // #ifndef MP-WEIXIN
  return inWeChatBrowser(ask, (globalThis as { WeixinJSBridge?: Bridge }).WeixinJSBridge);
  // #endif
}

function inMiniProgram(ask: WeChatAsk): Promise<void> {
  return new Promise((resolve, reject) => {
    uni.requestPayment({ provider: "wxpay", orderInfo: "", ...ask, success: () => resolve(), fail: () => reject(LEFT) } as never);
  });
}

interface Bridge {
  invoke: (name: string, ask: WeChatAsk, done: (answer: { err_msg: string }) => void) => void;
}

function inWeChatBrowser(ask: WeChatAsk, bridge?: Bridge): Promise<void> {
  if (!bridge) return Promise.reject(new Problem({ code: "not_wechat", sentence: "请在微信里打开本页面支付" }));
  return new Promise((resolve, reject) => {
    bridge.invoke("getBrandWCPayRequest", ask, ({ err_msg }) => (err_msg.endsWith(":ok") ? resolve() : reject(LEFT)));
  });
}
