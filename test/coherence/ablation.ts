/** A part of the protocol that is switched off, to see whether the suite would notice. */
export type Ablation = 'none' | 'stamps' | 'lease' | 'in-progress';

export const ABLATIONS = ['stamps', 'lease', 'in-progress'] as const;
