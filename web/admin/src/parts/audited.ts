// What the audit names by code, in words: deeds to filter by, and what a deed was done to.

/** Codes of the server's server/oversight/wording.py. */
export const DEEDS: readonly (readonly [string, string])[] = [
  ["admin.order.detail", "查看订单全貌"], ["admin.order.reassign", "改派订单"], ["admin.order.cancel", "取消订单"],
  ["admin.order.refund", "退款"], ["admin.order.refund_decide", "复核退款"],
  ["admin.qualification.claim", "领取资质审核"], ["admin.qualification.detail", "查看资质材料"], ["admin.qualification.review", "审核资质"],
  ["admin.user.warn", "警告账号"], ["admin.user.ban", "停用账号"], ["admin.user.unban", "恢复账号"], ["admin.user.verify", "核实注册信息"],
  ["admin.alarm.close", "关闭告警"], ["admin.settings", "修改设置"],
  ["order.detail", "查看订单详情"], ["order.list", "查看订单列表"], ["chat.history", "查看聊天记录"], ["note.list", "查看护理记录"], ["file.open", "打开文件"],
];
const KINDS: Record<string, string> = { order: "订单", user: "账号", certification: "资质材料", alarm: "告警", file: "文件" };

/** `订单 06h2…` of `order:06h2…`. */
export function targetText(target: string | null): string {
  if (!target) return "—";
  const [kind, id] = target.split(/:(.*)/s);
  if (kind === "settings" && id) return `设置第 ${id} 版`;
  return kind in KINDS && id ? `${KINDS[kind]} ${id}` : target;
}
