// What stands on the page on top, and a finger on it.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const SPEAKING = /^WX-(INPUT|TEXTAREA|BUTTON)$/;

/** The words that can be read or heard of an element. */
function nameOf(element) {
  return attributeOf(element, "ariaLabel") || element.textContent.replace(/\s+/g, " ").trim();
}

/** An attribute as the page gave it, named as WeChat's compiler names it; the element itself keeps only a few. */
function attributeOf(element, name) {
  return element.__wxElement?._vt?.attrs.find((one) => one.name === name)?.value;
}

export class Screen {
  constructor(pages, window) {
    Object.assign(this, { pages, window });
    // What miniprogram-simulate draws with; it looks for a document as soon as it is loaded.
    this.exparser = createRequire(require.resolve("miniprogram-simulate"))("miniprogram-exparser");
  }

  /** One line a piece of text, from above. */
  get text() {
    const walker = this.window.document.createTreeWalker(this.pages.top.dom, this.window.NodeFilter.SHOW_TEXT);
    const lines = [];
    while (walker.nextNode()) {
      const line = walker.currentNode.textContent.trim();
      if (line) lines.push(line);
    }
    return lines;
  }

  /** Touch what has this name, a button before anything else. Raises when there is none. */
  tap(name) {
    const touched = this.#innermost((element) => nameOf(element) === name);
    const touch = new this.window.Touch({ identifier: 1, target: touched });
    const event = (kind, touches) => new this.window.TouchEvent(kind, { bubbles: true, cancelable: true, touches, changedTouches: [touch] });
    touched.dispatchEvent(event("touchstart", [touch]));
    touched.dispatchEvent(event("touchend", []));
  }

  /** An event of WeChat's own elements: `input` of a field, `getphonenumber` of a button. */
  tell(name, kind, detail) {
    const { __wxElement: element } = this.#innermost((one) => SPEAKING.test(one.tagName) && nameOf(one) === name);
    this.exparser.Event.dispatchEvent(element, this.exparser.Event.create(kind, detail, {}));
  }

  #innermost(fits) {
    const found = [...this.pages.top.dom.querySelectorAll("*")].filter(fits);
    if (!found.length) throw new Error(`nothing of that name on ${this.pages.top.path}`);
    const button = found.find((one) => attributeOf(one, "role") === "button");
    return button ?? found.find((one) => ![...one.querySelectorAll("*")].some((inner) => found.includes(inner)));
  }
}
