// Quiet drawings for what is empty or went wrong, 200 by 140.
import { svgAddress } from "./icons";

const GROUND = `<ellipse cx="100" cy="126" rx="70" ry="7" fill="#e1efec"/>`;
const LINE = `fill="none" stroke="#0b7468" stroke-width="3" stroke-linecap="round" stroke-linejoin="round"`;

const DRAWINGS = {
  // A cup of tea: nothing to do.
  calm: `<path d="M62 62h66v26a30 30 0 0 1-30 30h-6a30 30 0 0 1-30-30z" fill="#e1f1ed"/><path d="M62 62h66v26a30 30 0 0 1-30 30h-6a30 30 0 0 1-30-30zM128 70h8a13 13 0 0 1 0 26h-10" ${LINE}/><path d="M84 24c-6 8 6 12 0 22M104 24c-6 8 6 12 0 22" ${LINE} opacity=".45"/>`,
  // Sheets of paper: no orders.
  orders: `<rect x="76" y="18" width="66" height="88" rx="8" fill="#f1f7f5" stroke="#b9d6d0" stroke-width="3"/><rect x="58" y="30" width="66" height="88" rx="8" fill="#e1f1ed"/><path d="M66 30h50a8 8 0 0 1 8 8v72a8 8 0 0 1-8 8H66a8 8 0 0 1-8-8V38a8 8 0 0 1 8-8zM74 54h34M74 70h34M74 86h18" ${LINE}/>`,
  // A letter: no notices.
  notices: `<rect x="48" y="38" width="104" height="74" rx="10" fill="#e1f1ed"/><path d="M58 38h84a10 10 0 0 1 10 10v54a10 10 0 0 1-10 10H58a10 10 0 0 1-10-10V48a10 10 0 0 1 10-10zM52 46l48 36 48-36" ${LINE}/><circle cx="152" cy="38" r="9" fill="#f2c879"/>`,
  // A magnifying glass: nothing was found.
  search: `<circle cx="92" cy="66" r="36" fill="#e1f1ed"/><path d="M92 102a36 36 0 1 0 0-72 36 36 0 0 0 0 72zM118 92l28 28M80 60h24M80 74h14" ${LINE}/>`,
  // A calendar: nothing is planned.
  schedule: `<rect x="52" y="34" width="96" height="82" rx="10" fill="#e1f1ed"/><path d="M62 34h76a10 10 0 0 1 10 10v62a10 10 0 0 1-10 10H62a10 10 0 0 1-10-10V44a10 10 0 0 1 10-10zM52 58h96M76 24v18M124 24v18M86 88l10 10 20-20" ${LINE}/>`,
  // A plug pulled out: no connection.
  offline: `<path d="M28 78h34M138 78h34" ${LINE}/><path d="M62 62h20a16 16 0 0 1 0 32H62zM138 62h-20a16 16 0 0 0 0 32h20z" fill="#fdf1dc"/><path d="M62 62h20a16 16 0 0 1 0 32H62zM138 62h-14M138 94h-20a16 16 0 0 1-6-30M138 62v32" ${LINE}/><path d="M98 34l-6 14M112 34l6 12" ${LINE} opacity=".45"/>`,
  // A door: log in first.
  door: `<rect x="70" y="22" width="60" height="98" rx="6" fill="#e1f1ed"/><path d="M76 22h48a6 6 0 0 1 6 6v92H70V28a6 6 0 0 1 6-6zM56 120h88M116 74v2" ${LINE}/><circle cx="100" cy="52" r="12" fill="#fff" stroke="#b9d6d0" stroke-width="3"/>`,
} as const;

export type DrawingName = keyof typeof DRAWINGS;

export function drawingAddress(name: DrawingName): string {
  return svgAddress(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 140">${GROUND}${DRAWINGS[name]}</svg>`);
}
