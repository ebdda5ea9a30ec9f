// Where things are; without a login everything leads to its door.
import { createRouter, createWebHashHistory } from "vue-router";

import { session } from "./house";

export const MENU = [
  { path: "/", title: "工作台", icon: "DataLine" },
  { path: "/orders", title: "订单", icon: "Tickets" },
  { path: "/papers", title: "资质审核", icon: "Postcard" },
  { path: "/refunds", title: "退款复核", icon: "Wallet" },
  { path: "/accounts", title: "账号", icon: "User" },
  { path: "/alarms", title: "告警", icon: "Bell" },
  { path: "/audit", title: "审计", icon: "Document" },
  { path: "/settings", title: "设置", icon: "Setting" },
] as const;

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: "/login", component: () => import("./pages/LoginPage.vue"), meta: { open: true } },
    {
      path: "/",
      component: () => import("./parts/Desk.vue"),
      children: [
        { path: "", component: () => import("./pages/WorkbenchPage.vue") },
        { path: "orders", component: () => import("./pages/OrdersPage.vue") },
        { path: "refunds", component: () => import("./pages/RefundsPage.vue") },
        { path: "papers", component: () => import("./pages/PapersPage.vue") },
        { path: "accounts", component: () => import("./pages/AccountsPage.vue") },
        { path: "alarms", component: () => import("./pages/AlarmsPage.vue") },
        { path: "audit", component: () => import("./pages/AuditPage.vue") },
        { path: "settings", component: () => import("./pages/SettingsPage.vue") },
      ],
    },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});

router.beforeEach((to) => {
  if (!to.meta.open && !session.login) return { path: "/login", query: to.path === "/" ? {} : { next: to.fullPath } };
  return true;
});
session.onEnd(() => void router.push("/login"));
