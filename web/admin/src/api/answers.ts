// What the pages read of the server's answers (the whole of them: /api/docs).

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Named {
  code: string;
  name: string;
}

export interface Catalog {
  service_types: Named[];
  districts: Named[];
  hospitals: { hospital_id: string; name: string; district: string }[];
}

export interface Alarm {
  alarm_id: string;
  kind: string;
  kind_text: string;
  order_id: string | null;
  text: string;
  raised_at: string;
  closed_at: string | null;
  closed_by_name: string | null;
  close_reason: string | null;
}

export interface AuditEntry {
  audit_id: string;
  actor_name: string | null;
  actor_id: string | null;
  actor_type_text: string;
  action: string;
  action_text: string;
  target: string;
  reason: string | null;
  detail: Record<string, unknown> | null;
  remote_address: string;
  request_id: string;
  at: string;
}

export interface ListedOrder {
  order_id: string;
  status: string;
  status_text: string;
  created_at: string;
  start_at: string;
  end_at: string;
  service_type_text: string;
  hospital: string;
  district_text: string;
  is_urgent: boolean;
  amount_fen: number;
  patient_name_masked: string;
  booker: { user_id: string; phone_masked: string };
  caregiver: { caregiver_id: string; name: string } | null;
  refund: { status: string; status_text: string; amount_fen: number } | null;
  open_alarms: number;
}

export interface Factor {
  code: string;
  text: string;
  points: number;
  of_points: number;
}

export interface OrderFile {
  order: Record<string, unknown> & {
    order_id: string;
    status: string;
    status_text: string;
    amount_fen: number;
    lines: { label: string; quantity: number; unit_text: string; unit_price_fen: number; amount_fen: number }[];
    patient: { name: string; age: number; gender_text: string; condition: string | null; contact_phone: string | null };
    caregiver: { name: string; contact_phone: string } | null;
    booker: { user_id: string; username: string; phone_masked: string };
    hospital: string;
    district_text: string;
    department_text: string | null;
    bed_no: string | null;
    address: string | null;
    requirements: string | null;
    service_type_text: string;
    is_urgent: boolean;
    start_at: string;
    end_at: string;
    created_at: string;
    income_fen: number;
    commission_fen: number;
    cancel_reason: string | null;
    finish_summary: string | null;
    review: { score: number; content: string; tags: string[] } | null;
    may_reassign: boolean;
    may_cancel: boolean;
  };
  timeline: {
    version: number;
    event_text: string;
    to_status_text: string;
    actor_type_text: string;
    actor_name: string | null;
    reason: string | null;
    at: string;
  }[];
  offers: {
    offer_id: string;
    caregiver_name: string;
    wave: number;
    state: string;
    state_text: string;
    opened_at: string;
    expires_at: string;
    closed_at: string | null;
    reason: string | null;
    score: number | null;
    named: boolean;
    factors: Factor[];
  }[];
  talk: {
    message_count: number;
    note_count: number;
    messages?: { message_id: string; sender_type: string; kind: string; text: string | null; sent_at: string }[];
    notes?: { note_id: string; kind: string; text: string | null; vitals: Record<string, number> | null; recorded_at: string }[];
  };
  money: {
    payments: { payment_id: string; method_text: string; amount_fen: number; status_text: string; transaction_id: string | null; paid_at: string | null }[];
    refunds: { refund_id: string; amount_fen: number; kind_text: string; reason: string | null; status_text: string; failure_code: string | null; created_at: string }[];
    refund_requests: RefundRequest[];
    ledger: { posting: string; account_text: string; amount_fen: number; at: string }[];
    settlement: { gross_fen: number; commission_fen: number; adjustment_fen: number; net_fen: number; status_text: string; due_at: string | null; settled_at: string | null } | null;
    paid_fen: number;
    refunded_fen: number;
  };
  notices: {
    message_id: string;
    username: string;
    title: string;
    content: string;
    sent_at: string;
    read_at: string | null;
    deliveries: { channel_text: string; status_text: string; failure_code: string | null }[];
  }[];
  alarms: Alarm[];
  audit: AuditEntry[];
}

export interface Candidate {
  caregiver_id: string;
  name: string;
  day_price_fen: number | null;
  rating: number | null;
  review_count: number;
  completed_count: number;
  experience_years: number;
  offer_state_text: string | null;
}

export interface Candidates {
  items: (Candidate & { rank: number; score: number; recent_offers: number; factors: Factor[] })[];
  excluded: (Candidate & { reasons: { code: string; text: string; hard: boolean }[] })[];
}

export interface Account {
  user_id: string;
  username: string;
  user_type: string;
  user_type_text: string;
  phone_masked: string;
  registered_at: string;
  verification_status: string;
  verification_status_text: string;
  banned_at: string | null;
  ban_reason: string | null;
  warning_count: number;
  order_count: number;
  patient_count: number;
  caregiver: { name: string; qualification_status_text: string; completed_count: number; rating: number | null; listening: boolean } | null;
}

export interface Paper {
  certification_id: string;
  certificate_name: string;
  certificate_number: string;
  certificate_expires_on: string;
  health_certificate_number: string;
  health_certificate_expires_on: string;
  id_number_masked: string;
  status: string;
  status_text: string;
  reason: string | null;
  submitted_at: string;
  reviewed_at: string | null;
  id_card_front_url: string;
  id_card_back_url: string;
  certificate_url: string;
  health_certificate_url: string;
  name: string;
  gender_text: string;
  birth_date: string;
  experience_years: number;
  claimed_by: string | null;
  claimed_by_name: string | null;
  claimed_until: string | null;
}

export interface PaperDetail extends Paper {
  age: number;
  checks: { code: string; ok: boolean; text: string }[];
  earlier: { certification_id: string; status_text: string; reason: string | null; submitted_at: string }[];
  quick_reasons: { code: string; decision: "approve" | "reject"; text: string }[];
}

export interface RefundRequest {
  request_id: string;
  order_id: string;
  amount_fen: number;
  borne_by_text: string;
  reason: string;
  state: "waiting" | "approved" | "rejected";
  state_text: string;
  requested_by: string;
  requested_by_name: string | null;
  requested_at: string;
  decided_by_name: string | null;
  decided_at: string | null;
  decision_reason: string | null;
}

interface Money {
  gross_fen: number;
  refunds_fen: number;
  net_fen: number;
  commission_fen: number;
}

interface StateCount {
  status: string;
  status_text: string;
  count: number;
}

interface Group {
  code: string;
  name: string;
  orders: number;
  cancelled: number;
}

export interface Overview {
  at: string;
  day: string;
  orders: { created: number; by_status: StateCount[]; live: StateCount[] };
  income: Money;
  users: { total: number; new_today: number; by_type: { user_type: string; user_type_text: string; total: number; new_today: number }[] };
  caregivers: { approved: number; listening: number; connected: number };
  alarms: { open: number; latest: Alarm[] };
  waiting: { qualifications: number; refund_requests: number };
  series: {
    days: number;
    daily: (Money & { day: string; orders: number; completed: number; cancelled: number })[];
    by_service_type: Group[];
    by_district: Group[];
  };
}
