// The rules as the server answers and takes them (/api/docs, admin/settings).

export interface Edition {
  version: number;
  changed: string[];
  reason: string | null;
  made_by_name: string | null;
  made_at: string | null;
}

export interface Price {
  service_type: string;
  service_type_text: string;
  unit_text: string;
  base_price_fen: number;
  min_price_fen: number;
  max_price_fen: number;
}

export interface Wording {
  name: string;
  title: string;
  content: string;
  default_title: string;
  default_content: string;
  variables: string[];
  critical: boolean;
  preview: string;
}

export interface Wave {
  after_s: number;
  more: number | null;
}

export interface Tier {
  lead_at_least_min: number;
  fee_bp: number;
  commission_bp: number;
  text: string;
}

type Numbers = Record<string, number>;

export interface Settings extends Edition {
  is_newest: boolean;
  time: Numbers;
  price: { holidays: string[] } & Record<string, number | string[]>;
  offers: { waves: Wave[]; ranking: Numbers } & Record<string, unknown>;
  cancellation: { tiers: Tier[] };
  caregiver: Numbers;
  settlement: Numbers;
  refunds: Numbers;
  alarms: Numbers;
  prices: Price[];
  templates: Wording[];
}

/** Only what changes; the server keeps the rest. */
export interface Change {
  [chapter: string]: unknown;
}
