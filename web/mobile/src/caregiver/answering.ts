// What an answer to an offer may come to, in words.
import type { Problem } from "@/api/problem";

/** The offer is over, whoever has it now: its card goes. */
const OVER = new Set(["offer_taken", "offer_expired", "offer_withdrawn", "not_found"]);

export function isOver(problem: Problem): boolean {
  return OVER.has(problem.code);
}

export function lossOf(problem: Problem): string {
  switch (problem.code) {
    case "offer_taken":
      return "手慢了，已被其他陪护人员接走";
    case "offer_expired":
      return "已超过接单时限";
    case "offer_withdrawn":
      return "家属已取消这个订单";
    case "caregiver_busy":
      return "这个时间您已有其他安排";
    default:
      return problem.sentence;
  }
}

export const REFUSALS = ["时间不合适", "距离太远", "不熟悉这家医院", "不擅长这类照护", "身体不适"] as const;
