// Which path answers what: the `data` of each, by method and path.
import type {
  CaregiverCard, CaregiverPage, CaregiverProfile, Catalog, Certification, ChatMessage, IncomeItem,
  LoginAnswer, Me, Notice, Offer, Order, OrderStatus, Page, Patient, Payment, Quote, Review, ServiceNote,
  ServiceSettings, Speaker, TokenPair,
} from "./answers";

export interface Answers {
  "POST /api/user/sms_code": { resend_after_s: number };
  "POST /api/user/register": { user_id: string };
  "POST /api/user/login": LoginAnswer;
  "POST /api/user/wechat_begin": { authorize_url: string; proof: string; expires_in: number };
  "POST /api/user/wechat_bind": LoginAnswer;
  "POST /api/user/refresh": TokenPair;
  "GET /api/user/me": Me;
  "GET /api/catalog": Catalog;
  "GET /api/patient/list": Page<Patient>;
  "GET /api/patient/detail": Patient;
  "POST /api/patient/create": { patient_id: string };
  "POST /api/patient/invite": { invite_code: string; expires_at: string };
  "POST /api/patient/join": { patient_id: string };
  "GET /api/patient/viewers": Page<{ user_id: string; username: string; phone_masked: string; may_chat: boolean; joined_at: string }>;
  "GET /api/caregiver/query": Page<CaregiverCard>;
  "GET /api/caregiver/detail": CaregiverPage;
  "GET /api/caregiver/slots": Page<{ start_at: string; end_at: string; price_fen: number }>;
  "GET /api/caregiver/profile": CaregiverProfile;
  "POST /api/caregiver/profile": { caregiver_id: string };
  "GET /api/caregiver/service": ServiceSettings;
  "POST /api/caregiver/online": { online: boolean };
  "GET /api/caregiver/qualification": Page<Certification>;
  "POST /api/caregiver/qualification": { certification_id: string; status: string; status_text: string };
  "GET /api/caregiver/reviews": Page<Review & { order_id: string }>;
  "GET /api/caregiver/income": Page<IncomeItem> & { totals: Record<string, number> };
  "POST /api/order/quote": Quote;
  "POST /api/order/create": Order;
  "POST /api/order/pay": { payment_id: string; status: "processing" | "succeeded"; voucher: Record<string, unknown> };
  "GET /api/order/payment": Payment;
  "GET /api/order/status": { order_id: string; status: OrderStatus; status_text: string; version: number; detail_url: string };
  "GET /api/order/detail": Order;
  "GET /api/order/list": Page<Order>;
  "GET /api/order/offers": Page<Offer>;
  "POST /api/order/accept": { order_id: string; status: OrderStatus };
  "POST /api/order/start": { order_id: string; status: OrderStatus };
  "POST /api/order/finish": { finished_at: string };
  "POST /api/order/confirm": { order_id: string; status: OrderStatus };
  "GET /api/order/cancel_quote": { refund_fen: number; fee_fen: number; tier_text: string };
  "POST /api/order/cancel": { status: OrderStatus; refund_fen: number; fee_fen: number };
  "POST /api/order/review": { review_id: string };
  "GET /api/order/case": { case_id: string; summary: string; condition_tags: string[]; consented_at: string | null; refused_at: string | null };
  "POST /api/order/case_consent": { case_id: string; agree: boolean };
  "POST /api/chat/send": { message_id: string; offset: number };
  "GET /api/chat/history": Page<ChatMessage> & { reads: { user_id: string; offset: number }[]; people: Speaker[] };
  "POST /api/chat/read": { offset: number };
  "POST /api/note/append": { note_id: string; offset: number };
  "GET /api/note/list": Page<ServiceNote>;
  "GET /api/message/list": Page<Notice> & { unread_count: number };
  "POST /api/message/read": { read_count: number; unread_count: number };
  "POST /api/file/upload": { file_id: string };
}
