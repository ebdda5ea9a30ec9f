// WeChat's subscribe messages: asked for at a tap, one message for one yes.
//
// Which templates there are is known when the customer's mini program is built: VITE_PEIHU_TEMPLATES, ids with commas.

/** Ask to be told how it goes on; resolves whatever the person answers. Call it inside a tap. */
export function askToBeTold(): Promise<void> {
  // #ifdef MP-WEIXIN
  const templates = (import.meta.env.VITE_PEIHU_TEMPLATES ?? "").split(",").filter(Boolean).slice(0, 3);
  if (templates.length) {
    return new Promise((resolve) => uni.requestSubscribeMessage({ tmplIds: templates, complete: () => resolve() } as never));
  }
  // #endif
  return Promise.resolve();
}
