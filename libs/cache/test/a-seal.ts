import { randomBytes } from 'node:crypto';
import { Seal } from '../src/tiers/seal.js';

/** A seal with a key of its own, or with these. */
export function aSeal(...[newest = randomBytes(32), ...older]: Buffer[]): Seal {
  return new Seal([newest, ...older]);
}
