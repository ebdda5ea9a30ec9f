// Our icons: strokes on a ground of 24 by 24, coloured by the text around them.

const STROKES = {
  home: "M4 11l8-7 8 7M6 9.500V20h12V9.500M10 20v-6h4v6",
  orders: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 21h4",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 4-6 8-6s8 2 8 6",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2 20c0-4 3.5-5.5 7-5.500s7 1.5 7 5.500M16 4.500a3.5 3.5 0 0 1 0 6.500M18 15c2.5.5 4 2 4 5",
  hall: "M3 13h5l1.5 3h5L16 13h5M3 13l3-8h12l3 8v6H3z",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  check: "M5 12.500l5 5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
  pin: "M12 21s7-6 7-11a7 7 0 1 0-14 0c0 5 7 11 7 11zM12 12.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
  phone: "M6 3h3l2 5-2.5 1.500a11 11 0 0 0 6 6L16 13l5 2v3a3 3 0 0 1-3 3A15 15 0 0 1 3 6a3 3 0 0 1 3-3z",
  chat: "M4 5h16v11H11l-5 4v-4H4zM8 9h8M8 12h5",
  star: "M12 3.500l2.6 5.5 6 .8-4.4 4.2 1.1 6L12 17l-5.3 3 1.1-6-4.4-4.2 6-.800z",
  refresh: "M20 6v5h-5M4 18v-5h5M5.5 9a7 7 0 0 1 12-2.500L20 11M18.5 15a7 7 0 0 1-12 2.500L4 13",
  camera: "M4 7h4l1.5-2.500h5L16 7h4v12H4zM12 16.500a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  walk: "M13 6a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM13 9l-3.5 2.5-1 4M13 9l1 5 3.5 2.500M13 9l2.5 2.500H19M14 14l-2 3-3.5 4.500M17.5 16.500V22",
  sun: "M12 16.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2v2.500M12 19.500V22M2 12h2.500M19.5 12H22M5 5l1.8 1.800M17.2 17.200L19 19M19 5l-1.8 1.800M6.8 17.200L5 19",
  halfday: "M4 17h16M7 17a5 5 0 0 1 10 0M12 6v3M4.5 10.500l2 1.500M19.5 10.500l-2 1.500M8 21h8",
  bed: "M3 5v14M3 15h18v4M21 15v-3a3 3 0 0 0-3-3h-7v6M7 12a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  moon: "M20 14a8.5 8.5 0 1 1-10-10 7 7 0 0 0 10 10z",
  bag: "M5 8h14l1 13H4zM8.5 8V7a3.5 3.5 0 0 1 7 0v1M9 13h6",
  pulse: "M2 12h5l2.5-6 4 12 2.5-6H22",
  shield: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5",
  leave: "M14 4H5v16h9M10 12h11M17.5 8l4 4-4 4",
  letters: "M3 19L8 6l5 13M4.8 15h6.400M14 19l3.5-9 3.5 9M15.2 16h4.6",
  info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.500M12 7.500v.5",
  plus: "M12 5v14M5 12h14",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.500L21 21",
  send: "M21 3L10 14M21 3l-7 18-4-7-7-4z",
  wallet: "M4 7h15v12H4zM4 7l11-3.500V7M19 11h-4a2 2 0 0 0 0 4h4",
  offline: "M3 3l18 18M8 8.500A6 6 0 0 0 6 19h12M10.5 6.300A6 6 0 0 1 18 11a4 4 0 0 1 2.5 6.5",
  share: "M12 15V4M8 7.500L12 3.500l4 4M5 12v8h14v-8",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
  filter: "M4 5h16l-6 8v6l-4-2v-4z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 5M15.5 10.500a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z",
  heart: "M12 20s-8-5-8-10.500A4.5 4.5 0 0 1 12 7a4.5 4.5 0 0 1 8 2.500C20 15 12 20 12 20z",
  flag: "M6 21V4M6 4h11l-2 4 2 4H6",
  edit: "M4 20l1-4.500L16 4.500l3.5 3.5-11 11zM14 6.500l3.5 3.5",
} as const;

export type IconName = keyof typeof STROKES;

/** An address that can stand in a style sheet. */
export function svgAddress(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

export function iconAddress(name: IconName): string {
  return svgAddress(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#000" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><path d="${STROKES[name]}"/></svg>`,
  );
}

/** The icon of a service type of the catalogue. */
export function serviceIcon(code: string): IconName {
  const known: Record<string, IconName> = {
    escort_hourly: "walk",
    escort_half_day: "halfday",
    escort_full_day: "sun",
    inpatient_12h: "bed",
    inpatient_24h: "moon",
    errand: "bag",
  };
  return known[code] ?? "pulse";
}
