// What the server answers: the shapes of contract.md; which path answers which stands in replies.ts.
//
// The OpenAPI document describes requests; answers are an open object there ("may carry more fields"). Name here
// what a page reads, nothing more.

export type UserType = "patient" | "caregiver" | "admin";
export type Role = "patient" | "caregiver";

export interface User {
  user_id: string;
  username: string;
  user_type: UserType;
  user_type_text: string;
  phone_masked: string;
}

export interface TokenPair {
  token: string;
  refresh_token: string;
  expires_in: number;
}

export interface LoginAnswer extends TokenPair {
  user: User;
}

export interface Me extends User {
  registered_at: string;
  verification_status: string;
  verification_status_text: string;
  caregiver_id?: string;
  qualification_status?: "unverified" | "pending" | "approved" | "rejected" | null;
  qualification_status_text?: string | null;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Named {
  code: string;
  name: string;
}

export interface ServiceType {
  code: string;
  name: string;
  unit: "hour" | "half_day" | "day" | "visit";
  unit_text: string;
  duration_min: number | null;
  base_price_fen: number;
  min_price_fen: number;
  max_price_fen: number;
  scope: string;
  forbidden: string[];
}

export interface Hospital {
  hospital_id: string;
  name: string;
  district: string;
  district_text: string;
  lat: number;
  lng: number;
}

export interface Catalog {
  /** Business time, to set the clock by. */
  now: string;
  service_types: ServiceType[];
  districts: Named[];
  skills: Named[];
  departments: Named[];
  hospitals: Hospital[];
}

export interface Patient {
  patient_id: string;
  name: string;
  birth_date: string;
  age: number;
  gender: string;
  gender_text: string;
  relation: string;
  relation_text: string;
  id_number_masked: string | null;
  contact_phone: string | null;
  condition: string | null;
  department: string | null;
  department_text: string | null;
  bed_no: string | null;
}

export interface CaregiverCard {
  caregiver_id: string;
  name: string;
  photo_url: string | null;
  gender: string;
  gender_text: string;
  age: number;
  experience_years: number;
  skills: string[];
  skills_text: string[];
  districts: string[];
  districts_text: string[];
  price_fen: number | null;
  rating: number | null;
  review_count: number;
  service_state: "idle" | "busy" | "off";
  service_state_text: string;
}

export interface Review {
  review_id: string;
  author: string;
  service_type: string;
  service_type_text: string;
  score: number;
  content: string;
  tags: string[];
  created_at: string;
}

export interface CaregiverPage extends CaregiverCard {
  bio: string | null;
  work_history: { from: string; to: string | null; employer: string; role: string }[];
  certificates: { name: string; number_masked: string; expires_on: string }[];
  prices: ServicePrice[];
  completed_count: number;
  good_rate: number | null;
  reviews: Review[];
  cases: { case_id: string; service_type: string; summary: string; condition_tags: string[]; duration_minutes: number; month: string }[];
}

export interface ServicePrice {
  service_type: string;
  service_type_text: string;
  band: "day" | "night" | "holiday";
  band_text: string;
  price_fen: number;
}

export interface CaregiverProfile {
  caregiver_id: string;
  name: string;
  gender: string;
  gender_text: string;
  birth_date: string;
  age: number;
  contact_phone: string;
  experience_years: number;
  bio: string | null;
  photo_file_id: string | null;
  photo_url: string | null;
  online: boolean;
  qualification_status: string;
  qualification_status_text: string;
  papers_valid_until: string | null;
  identity_locked: boolean;
  districts: string[];
  districts_text: string[];
  hospital_ids: string[];
  skills: string[];
  skills_text: string[];
  work_history: { from: string; to: string | null; employer: string; role: string }[];
}

export interface ServiceSettings {
  caregiver_id: string;
  prices: ServicePrice[];
  weekly_hours: { weekday: number; start: string; end: string }[];
  exceptions: { date: string; available: boolean; start: string | null; end: string | null }[];
  accepts_urgent: boolean;
  accepts_night: boolean;
}

export type OrderStatus = "pending_payment" | "paid" | "awaiting_service" | "in_service" | "completed" | "cancelled";

export interface PriceLine {
  label: string;
  quantity: number;
  unit: string;
  unit_price_fen: number;
  amount_fen: number;
}

/** Money is missing for family members who did not book. */
export interface Order {
  order_id: string;
  patient_id: string;
  patient: { name: string; age: number; gender: string; gender_text: string; condition: string | null; contact_phone: string | null };
  caregiver_id: string | null;
  caregiver: { name: string; photo_url: string | null; contact_phone: string } | null;
  service_type: string;
  service_type_text: string;
  hospital_id: string;
  hospital: string;
  district: string;
  district_text: string;
  department: string | null;
  department_text: string | null;
  bed_no: string | null;
  address: string | null;
  start_at: string;
  end_at: string;
  duration_minutes: number;
  is_urgent: boolean;
  requirements: string | null;
  amount_fen?: number;
  lines?: PriceLine[];
  status: OrderStatus;
  status_text: string;
  version: number;
  created_at: string;
  pay_deadline_at: string;
  pay_method: string | null;
  pay_method_text: string | null;
  paid_at: string | null;
  accepted_at: string | null;
  started_at: string | null;
  finished_at: string | null;
  completed_at: string | null;
  cancelled_at: string | null;
  start_code?: string;
  /** What the caregiver wrote at the end. */
  summary: string | null;
  /** For the caregiver. */
  income_fen?: number;
  refund?: { status: string; status_text?: string; amount_fen: number } | null;
  review: { score: number; content: string; tags: string[]; created_at: string } | null;
}

export interface Quote {
  quote_id: string;
  valid_until: string;
  is_urgent: boolean;
  amount_fen: number;
  lines: PriceLine[];
}

export interface Payment {
  payment_id: string;
  status: "processing" | "succeeded" | "failed" | "closed" | "refunded";
  status_text: string;
  failure_code: string | null;
  receipt: { payment_id: string; transaction_id: string; method: string; amount_fen: number; paid_at: string } | null;
}

export interface Offer {
  offer_id: string;
  order_id: string;
  expires_at: string;
  service_type: string;
  service_type_text?: string;
  start_at: string;
  end_at: string;
  income_fen: number;
  district: string;
  district_text?: string;
  hospital: string;
  requirements: string | null;
  patient: { age_band: string; gender: string; gender_text?: string; condition: string | null };
}

export interface ChatMessage {
  message_id: string;
  msg_id: string;
  order_id: string;
  sender_id: string;
  sender_type: string;
  kind: "text" | "image" | "audio";
  text: string | null;
  file_id: string | null;
  sent_at: string;
  offset: number;
}

/** Who wrote: in full for their own people, a family to its caregiver by the first sign (`李**`). */
export interface Speaker {
  user_id: string;
  name: string;
  relation: "booker" | "viewer" | "caregiver";
  relation_text: string;
}

export interface Vitals {
  temperature_c?: number;
  pulse_bpm?: number;
  systolic_mmhg?: number;
  diastolic_mmhg?: number;
  spo2_percent?: number;
  glucose_mmol_l?: number;
  pain_0_10?: number;
}

export interface ServiceNote {
  note_id: string;
  msg_id: string;
  order_id: string;
  caregiver_id: string;
  kind: "measure" | "condition" | "vital" | "milestone";
  kind_text?: string;
  text: string | null;
  vitals: Vitals | null;
  file_ids: string[];
  corrects: string | null;
  recorded_at: string;
  received_at: string;
  offset: number;
}

export interface Notice {
  message_id: string;
  type: "order" | "system";
  type_text: string;
  template: string;
  title: string;
  content: string;
  sent_at: string;
  read_at: string | null;
  order_id: string | null;
}

export interface IncomeItem {
  order_id: string;
  service_type: string;
  service_type_text: string;
  start_at: string;
  gross_fen: number;
  commission_fen: number;
  adjustment_fen: number;
  net_fen: number;
  pay_status: string;
  pay_status_text: string;
  settlement_status: string;
  settlement_status_text: string;
  settlement_due_at: string;
  settled_at: string | null;
}

export interface Certification {
  certification_id: string;
  certificate_name: string;
  certificate_number: string;
  certificate_expires_on: string;
  health_certificate_number: string;
  health_certificate_expires_on: string;
  status: "pending" | "approved" | "rejected";
  status_text: string;
  reason: string | null;
  submitted_at: string;
  reviewed_at: string | null;
}
