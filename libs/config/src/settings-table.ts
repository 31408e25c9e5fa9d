import { variables } from './environment.js';
import { fileVariable } from './secret-files.js';

export interface SettingsTableRow {
  name: string;
  /** Shape, unit and range. */
  expects: string;
  /** As one would write it, or what happens when the variable is absent. */
  default: string;
  meaning: string;
  /** The default as one would write it; empty where the variable may be absent. */
  example: string;
  /** The variable that names a file to read it from; secrets have one. */
  file: string | undefined;
}

/** The README's table of settings and `.env.example`, one row a variable, from the very definitions that `readSettings` follows. */
export const settingsTable: readonly SettingsTableRow[] = Object.entries(variables).map(
  ([name, { documentation }]) => {
    const { secret, ...rest } = documentation;
    return { name, ...rest, file: secret ? fileVariable(name) : undefined };
  },
);
