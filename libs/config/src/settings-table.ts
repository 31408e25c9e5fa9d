import { variables } from './environment.js';

export interface SettingsTableRow {
  name: string;
  /** Shape, unit and range. */
  expects: string;
  /** As one would write it, or what happens when the variable is absent. */
  default: string;
  meaning: string;
}

/** The README's table of settings, one row a variable, from the very definitions that `readSettings` follows. */
export const settingsTable: readonly SettingsTableRow[] = Object.entries(variables).map(
  ([name, { documentation }]) => ({ name, ...documentation }),
);
