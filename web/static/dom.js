// Elements, short messages and the way amounts and times are written.

export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
}

// A button that works once at a time and tells its failure.
export function action(label, run, { kind = "main", onFail } = {}) {
  const button = h("button", { type: "button", className: `button ${kind}` }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.classList.add("busy");
    try {
      await run();
    } catch (error) {
      (onFail || failed)(error);
    } finally {
      button.disabled = false;
      button.classList.remove("busy");
    }
  });
  return button;
}

let toastTimer;

export function toast(text, kind = "good") {
  const place = document.getElementById("toast");
  place.textContent = text;
  place.className = `toast shown ${kind}`;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { place.className = "toast"; }, 4200);
}

const SENTENCES = {
  offer_taken: "手慢了,这一单刚被别的陪护接走",
  offer_expired: "这份邀约已经过期",
  offer_withdrawn: "家属取消了,这份邀约已撤回",
  caregiver_busy: "这个时间已有其他安排",
  patient_busy: "这位就诊人在该时段已有预约,请换个时间",
  start_code_wrong: "开始码不对,请家属再念一遍",
  outside_start_window: "还没到开始时间(预约前 30 分钟起可以开始)",
  already_finished: "服务已结束,不能再写记录",
  already_reviewed: "已经评价过了",
  chat_closed: "这张订单现在不能聊天",
  wrong_state: "订单状态已经变了,已为您刷新",
  quote_expired: "报价已过期,请重新询价",
  too_soon: "最早只能预约一小时之后",
  forbidden: "只有下单人可以这样做",
  offline: "网络断开了,正在重连",
  timeout: "服务器没有及时回答,请再试一次",
  too_many_requests: "操作太快了,请稍等一下",
};

export function sentence(error) {
  const first = error.errors && error.errors[0];
  return SENTENCES[error.code] || (first && first.message) || error.message || "出了点问题,请再试一次";
}

export function failed(error) {
  toast(sentence(error), "bad");
}

export function yuan(fen) {
  return `¥${(fen / 100).toFixed(2)}`;
}

const DAY = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", month: "numeric", day: "numeric", weekday: "short" });
const TIME = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", hour12: false });
const SECOND = new Intl.DateTimeFormat("zh-CN", { timeZone: "Asia/Shanghai", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export const dayOf = (instant) => DAY.format(new Date(instant));
export const timeOf = (instant) => TIME.format(new Date(instant));
export const secondOf = (instant) => SECOND.format(new Date(instant));
export const spanOf = (start, end) => `${dayOf(start)} ${timeOf(start)}–${timeOf(end)}`;
