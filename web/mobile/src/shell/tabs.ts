// The four tabs of each role. The second names what the first two pages show to whom.
import type { Role } from "@/api/answers";
import type { IconName } from "@/kit/icons";
import { ROUTES } from "./routes";

export type TabName = "start" | "plan" | "notices" | "me";

export interface Tab {
  name: TabName;
  text: string;
  icon: IconName;
  route: string;
}

const NOTICES: Tab = { name: "notices", text: "消息", icon: "bell", route: ROUTES.notices };
const ME: Tab = { name: "me", text: "我的", icon: "person", route: ROUTES.me };

export const TABS: Record<Role, Tab[]> = {
  patient: [
    { name: "start", text: "首页", icon: "home", route: ROUTES.start },
    { name: "plan", text: "订单", icon: "orders", route: ROUTES.plan },
    NOTICES,
    ME,
  ],
  caregiver: [
    { name: "start", text: "接单", icon: "hall", route: ROUTES.start },
    { name: "plan", text: "日程", icon: "calendar", route: ROUTES.plan },
    NOTICES,
    ME,
  ],
};
