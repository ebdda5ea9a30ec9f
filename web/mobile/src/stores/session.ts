// Who is logged in, for pages; entering and leaving.
import { defineStore } from "pinia";
import { computed, ref } from "vue";

import type { LoginAnswer, Me, Role, User } from "@/api/answers";
import { Problem } from "@/api/problem";
import { useHouse } from "@/house";
import { useBooking } from "./booking";
import { useNotices } from "./notices";
import { useOrders } from "./orders";
import { usePictures } from "./pictures";

export const useSession = defineStore("session", () => {
  const house = useHouse();
  const user = ref<User | null>(house.logins.user);
  const me = ref<Me | null>(null);
  /** Why the last login ended, to be said once on the login page. */
  const farewell = ref("");
  const role = computed<Role>(() => (user.value?.user_type === "caregiver" ? "caregiver" : "patient"));
  const isIn = computed(() => user.value !== null);

  /** Go live with the login that is held; at start and after each entering. */
  function begin(): void {
    if (!user.value) return;
    house.line.start();
    house.outbox.open(user.value.user_id);
    void useNotices().refresh();
  }

  async function enter(answer: LoginAnswer, remember = true): Promise<void> {
    if (answer.user.user_type === "admin") {
      throw new Problem({ code: "forbidden", sentence: "管理员请使用管理后台登录" });
    }
    reset();
    house.logins.enter(answer, remember);
    user.value = answer.user;
    farewell.value = "";
    begin();
  }

  /** Log out everywhere; without a network only here. */
  async function leave(): Promise<void> {
    const told = house.api.post("/api/user/logout", {}).catch(() => {});
    await Promise.race([told, new Promise((resolve) => setTimeout(resolve, 2_000))]);
    house.logins.forget();
    reset();
  }

  function ended(sentence: string): void {
    farewell.value = sentence;
    reset();
  }

  function reset(): void {
    house.line.stop();
    house.outbox.close();
    user.value = null;
    me.value = null;
    useNotices().$reset();
    useOrders().$reset();
    useBooking().$reset();
    usePictures().$reset();
  }

  async function loadMe(): Promise<void> {
    me.value = await house.api.get("/api/user/me");
  }

  return { user, me, role, isIn, farewell, begin, enter, leave, ended, loadMe };
});
