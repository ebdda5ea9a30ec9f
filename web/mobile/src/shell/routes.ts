// Where pages are. Link through these names only; tests/routes.test.ts compares them with pages.json.
import type { Role } from "@/api/answers";

export const ROUTES = {
  start: "/pages/start/index",
  plan: "/pages/plan/index",
  notices: "/pages/notices/index",
  me: "/pages/me/index",
  login: "/pages/login/index",
  register: "/pages/register/index",
  reset: "/pages/reset/index",
  bind: "/pages/bind/index",
  privacy: "/pages/privacy/index",
  chat: "/pages/chat/index",
  familyService: "/pages-family/service/index",
  familyBooking: "/pages-family/booking/index",
  familyPay: "/pages-family/pay/index",
  familyOrder: "/pages-family/order/index",
  familyCancel: "/pages-family/cancel/index",
  familyReview: "/pages-family/review/index",
  familyPatients: "/pages-family/patients/index",
  familyPatient: "/pages-family/patient/index",
  familySearch: "/pages-family/search/index",
  familyCaregiver: "/pages-family/caregiver/index",
  familyViewers: "/pages-family/viewers/index",
  familyJoin: "/pages-family/join/index",
  caregiverReviews: "/pages-caregiver/reviews/index",
  caregiverOrder: "/pages-caregiver/order/index",
  caregiverIncome: "/pages-caregiver/income/index",
  caregiverProfile: "/pages-caregiver/profile/index",
  caregiverQualification: "/pages-caregiver/qualification/index",
  caregiverSettings: "/pages-caregiver/settings/index",
} as const;

export const TAB_ROUTES: readonly string[] = [ROUTES.start, ROUTES.plan, ROUTES.notices, ROUTES.me];

/** The page of one order for each role. A notice opens it. */
export const ORDER_ROUTE: Record<Role, string | null> = { patient: ROUTES.familyOrder, caregiver: ROUTES.caregiverOrder };

type Query = Record<string, string>;

/** A page with its query; for links that leave the app. */
export function addressOf(route: string, query: Query): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length ? `${route}?${pairs.join("&")}` : route;
}

/** `go(ROUTES.familyService, { code })`; tabs are switched to, other pages are put on top. */
export function go(route: string, query: Query = {}): void {
  if (TAB_ROUTES.includes(route)) uni.switchTab({ url: route });
  else uni.navigateTo({ url: addressOf(route, query) });
}

/** The same in place of this page, so that the way back does not lead here again. */
export function goInstead(route: string, query: Query = {}): void {
  if (TAB_ROUTES.includes(route)) uni.switchTab({ url: route });
  else uni.redirectTo({ url: addressOf(route, query) });
}

/** One page back; where there is none (opened from a link) to the first tab. */
export function goBack(): void {
  if (getCurrentPages().length > 1) uni.navigateBack();
  else uni.reLaunch({ url: ROUTES.start });
}
