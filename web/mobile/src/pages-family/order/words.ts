// What the top of an order says, by its state.
import type { Order } from "@/api/answers";
import { yuan } from "@/kit/money";
import { dayText, timeOf } from "@/time/shanghai";

export interface Headline {
  title: string;
  hint: string;
}

export const STEPS = ["支付", "接单", "见面", "服务", "确认"];

/** Which of STEPS runs; all of them are done when the order is completed. */
export function stepOf(order: Order): number {
  if (order.status === "in_service") return order.finished_at ? 4 : 3;
  return { pending_payment: 0, paid: 1, awaiting_service: 2, completed: STEPS.length, cancelled: 0 }[order.status];
}

export function headlineOf(order: Order, now: number): Headline {
  const name = order.caregiver?.name ?? "陪护人员";
  const start = `${dayText(order.start_at, now)} ${timeOf(order.start_at)}`;
  switch (order.status) {
    case "pending_payment":
      return { title: "等待支付", hint: "支付后马上为您安排陪护人员" };
    case "paid":
      return order.caregiver_id
        ? { title: "等待陪护人员接单", hint: "已经通知您指定的陪护人员。如果没有接单，平台会继续为您安排，不另收费" }
        : { title: "正在安排陪护人员", hint: "正在通知合适的陪护人员，接单后会马上告诉您；开始前无人接单会自动全额退款" };
    case "awaiting_service":
      return { title: `${name}已接单`, hint: `${start} 在${order.hospital}见面，见面后请念出开始码` };
    case "in_service":
      return order.finished_at
        ? { title: "服务已结束，请确认", hint: "请看看服务记录，没有问题就确认；24 小时后会自动确认" }
        : { title: "正在服务", hint: "陪护人员的每一条记录都会马上出现在下面" };
    case "completed":
      return { title: "已完成", hint: order.review ? "感谢您的评价" : "服务怎么样？说说您的感受" };
    case "cancelled":
      return { title: "已取消", hint: refundText(order) };
  }
}

function refundText(order: Order): string {
  if (!order.refund) return "订单已取消";
  const amount = yuan(order.refund.amount_fen);
  return order.refund.status === "succeeded" ? `${amount} 已按原支付方式退回` : `${amount} 正在按原支付方式退回`;
}

/** Who booked sees money, whoever was invited does not. */
export function isBooker(order: Order): boolean {
  return order.amount_fen !== undefined;
}

export function mayCancel(order: Order): boolean {
  return isBooker(order) && ["pending_payment", "paid", "awaiting_service"].includes(order.status);
}

/** Why an order is not to be cancelled by whoever looks at it. */
export function whyNotCancel(order: Order): string {
  if (!isBooker(order)) return "只有预约的人可以取消";
  if (order.status === "in_service") return "服务已经开始。有问题请先和陪护人员沟通";
  return `订单${order.status_text}`;
}
