// How names, units, numbers and times are written for people.

const UNITS = {
  Cel: "°C", "%": "%", "[ppm]": "ppm", "[ppb]": "ppb", "[pH]": "pH", Ohm: "Ω", deg: "°", "dB[SPL]": "dB", 1: "",
};
const WORDS = {
  co2: "CO₂", voc: "VOC", tvoc: "TVOC", pir: "PIR", id: "ID", rssi: "RSSI", snr: "SNR", ph: "pH", pm: "PM", uv: "UV",
};
const NETWORKS = { chirpstack: "ChirpStack", loriot: "LORIOT", things_stack: "The Things Stack", native: "Native" };
const SUPERSCRIPTS = { 2: "²", 3: "³" };

/** A UCUM code as it is printed: ug/m3 is µg/m³. */
export function unitText(code) {
  if (code in UNITS) return UNITS[code];
  return code
    .replace(/(^|[/.])u(?=[A-Za-z])/g, "$1µ")
    .replace(/([a-z])([23])(?=$|[/.])/g, (_, letter, power) => letter + SUPERSCRIPTS[power])
    .replaceAll(".", "·");
}

/** pm2_5_mass_concentration is PM2.5 mass concentration. */
export function nameText(name) {
  const parts = name.replace(/^pm(\d+)(?:_(\d+))?_/, (_, whole, part) => `PM${whole}${part ? `.${part}` : ""} `).split(/[_ ]/);
  const words = parts.map((word) => WORDS[word] ?? word);
  words[0] = words[0].charAt(0).toUpperCase() + words[0].slice(1);
  return words.join(" ");
}

export const networkText = (network) => NETWORKS[network] ?? network;

const formats = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }));

/** About four significant digits. */
export function numberText(value) {
  const size = Math.abs(value);
  return formats[size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 || size === 0 ? 2 : 3].format(value);
}

export const countText = (count) => formats[0].format(count);

/** A property's value: on and off for booleans, a word with its first letter raised; a version or a serial
 * number stands as it was sent. */
export function propertyText(value) {
  if (typeof value === "boolean") return value ? "On" : "Off";
  if (typeof value === "number") return numberText(value);
  if (!/^[a-z]+([_ ][a-z]+)*$/.test(value)) return String(value);
  const text = value.replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** How long ago, in a word or two. */
export function agoText(then, now) {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(then).toLocaleDateString(undefined, { dateStyle: "medium" });
}
