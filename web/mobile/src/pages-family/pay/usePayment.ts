// One payment, watched until it is over: the line says when, GET says how.
import { onUnmounted, reactive } from "vue";

import type { Payment } from "@/api/answers";
import { useHouse } from "@/house";
import { onGap, onUserEvent } from "@/live/useLive";

const PAUSES_MS = [400, 800, 1_500, 3_000, 5_000]; // the line is quicker; this is for when it is broken

export interface PaymentUse {
  paymentId: string;
  payment: Payment | null;
  /** Follow this payment from now on. */
  follow: (paymentId: string) => void;
  forget: () => void;
}

export function usePayment(over: (payment: Payment) => void): PaymentUse {
  const { api } = useHouse();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  async function look(): Promise<void> {
    const { paymentId } = use;
    if (!paymentId) return;
    clearTimeout(timer);
    const payment = await api.get("/api/order/payment", { payment_id: paymentId }).catch(() => null);
    if (use.paymentId !== paymentId) return;
    if (payment) use.payment = payment;
    if (!payment || payment.status === "processing") {
      clearTimeout(timer);
      timer = setTimeout(() => void look(), PAUSES_MS[Math.min(asked, PAUSES_MS.length - 1)]);
      asked += 1;
      return;
    }
    use.paymentId = "";
    over(payment);
  }

  const use: PaymentUse = reactive({
    paymentId: "",
    payment: null,
    follow(paymentId: string): void {
      asked = 0;
      use.paymentId = paymentId;
      use.payment = null;
      void look();
    },
    forget(): void {
      use.paymentId = "";
      use.payment = null;
    },
  });
  onUserEvent("payment.status", ({ data }) => {
    if (data.payment_id === use.paymentId) void look();
  });
  onGap(() => void look());
  onUnmounted(() => {
    use.paymentId = "";
    clearTimeout(timer);
  });
  return use;
}
