// Times as people read them.
import { locale, words } from './words.js';

const clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const dayAndClock = new Intl.DateTimeFormat(locale, { weekday: 'long', hour: 'numeric', minute: '2-digit' });
const dateAndClock = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', hour: 'numeric', minute: '2-digit' });
const DAYS_MS = 6 * 86_400_000;

export const timeOf = (at) => clock.format(at);

export const dayKey = (at) => {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
};

export function dayName(at, now = Date.now()) {
  if (dayKey(at) === dayKey(now)) return words.today;
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayKey(at) === dayKey(yesterday)) return words.yesterday;
  return weekday.format(at);
}

/** "14:05", or with the weekday when it is not today, or with the date when it is another week. */
export const momentOf = (at, now = Date.now()) => (dayKey(at) === dayKey(now) ? clock : at - now < DAYS_MS ? dayAndClock : dateAndClock).format(at);

/** What is left until the erasure: coarse while there is time, to the second at the end. */
export function leftText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 600) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** How long a conversation is kept, in round numbers: "24 hours". */
export function lifeText(ms) {
  const unit = [['hour', 3_600_000], ['minute', 60_000], ['second', 1000]].find(([, one]) => ms >= one * 0.98) ?? ['second', 1000];
  return new Intl.NumberFormat(locale, { style: 'unit', unit: unit[0], unitDisplay: 'long' }).format(Math.max(1, Math.round(ms / unit[1])));
}
