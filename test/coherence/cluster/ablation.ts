/** A part of the protocol that is switched off, to see whether the suite would notice. */
export type Ablation = 'none' | 'stamps' | 'lease' | 'in-progress' | 'fallback' | 'seal';

/** Without one of them answers are wrong; without `fallback`, reads are refused that PostgreSQL could answer. */
export const ABLATIONS = ['stamps', 'lease', 'in-progress', 'fallback', 'seal'] as const;
