import { type ExportSource } from './export-source.js';

/** Whether there is one, and how many recovery codes are left; `null`: there is none. */
export const secondFactorSource: ExportSource = {
  name: 'second_factor',
  tables: ['second_factors', 'second_factor_recovery_codes'],
  async read(userId, query) {
    const [factor] = await query(
      `SELECT created_at, confirmed_at,
              (SELECT count(*)::integer FROM second_factor_recovery_codes WHERE user_id = $1) AS recovery_codes
         FROM second_factors WHERE user_id = $1`,
      [userId],
    );
    return factor ?? null;
  },
};
