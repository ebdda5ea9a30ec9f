// The pages on top of each other, each rendered by miniprogram-simulate; WeChat's ways between them.
import { join } from "node:path";

export class Pages {
  #stack = [];
  #loaded = new Map(); // route -> component id

  constructor({ root, simulate, document, fault }) {
    Object.assign(this, { root, simulate, document, fault });
  }

  get top() {
    return this.#stack.at(-1);
  }

  /** What getCurrentPages() answers. */
  get instances() {
    return this.#stack.map((page) => page.component.instance);
  }

  /** What `wx` has of it. Each way takes a turn of its own, as in WeChat. */
  get ways() {
    const way = (go) => (options = {}) => {
      const done = new Promise((resolve) => setTimeout(resolve)).then(() => go(options));
      done.then(
        () => (options.success?.({ errMsg: "ok" }), options.complete?.({})),
        (error) => (this.fault(`${options.url}: ${error.stack}`), options.fail?.({ errMsg: String(error) })),
      );
      return done;
    };
    return {
      navigateTo: way(({ url }) => (this.#hide(), this.#open(url))),
      redirectTo: way(({ url }) => (this.#close(1), this.#open(url))),
      reLaunch: way(({ url }) => (this.#close(this.#stack.length), this.#open(url))),
      switchTab: way(({ url }) => (this.#close(this.#stack.length), this.#open(url))),
      navigateBack: way(({ delta = 1 }) => {
        this.#close(Math.min(delta, this.#stack.length - 1));
        this.top.dom.style.display = "";
        this.top.component.instance.onShow?.();
      }),
    };
  }

  #open(url) {
    const [path, search = ""] = url.replace(/^\//, "").split("?");
    if (!this.#loaded.has(path)) this.#loaded.set(path, this.simulate.load(join(this.root, path), { rootPath: this.root }));
    const component = this.simulate.render(this.#loaded.get(path));
    const dom = this.document.createElement("main");
    this.document.body.append(dom);
    const query = Object.fromEntries(search.split("&").filter(Boolean).map((pair) => pair.split("="))); // as WeChat: not decoded
    const { instance } = component;
    Object.assign(instance, { route: path, is: path, options: query });
    this.#stack.push({ path, query, component, dom });
    component.attach(dom); // WeChat, too, attaches a page before it tells its query
    instance.onLoad?.(query);
    instance.onShow?.();
    instance.onReady?.();
  }

  #hide() {
    this.top.component.instance.onHide?.();
    this.top.dom.style.display = "none";
  }

  #close(count) {
    for (const page of this.#stack.splice(this.#stack.length - count).reverse()) {
      page.component.instance.onUnload?.();
      page.component.detach();
      page.dom.remove();
    }
  }
}
