import { type Origin } from './coherent-cache.js';

/** From best to worst. */
const ORIGINS: readonly Origin[] = ['memory', 'redis', 'postgres', 'bypass', 'stale'];

/** Where something came from that took two look-ups. */
export function combineOrigins(a: Origin, b: Origin): Origin {
  return ORIGINS.indexOf(a) > ORIGINS.indexOf(b) ? a : b;
}
