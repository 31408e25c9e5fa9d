/** A part of the protocol that is switched off, to see whether the suite would notice. */
export type Ablation = 'none' | 'stamps' | 'lease' | 'in-progress' | 'fallback';

/** Without the first three answers are wrong; without the last, reads are refused that PostgreSQL could answer. */
export const ABLATIONS = ['stamps', 'lease', 'in-progress', 'fallback'] as const;
