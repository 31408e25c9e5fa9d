import { loadDotEnv, misspeltNames, readSettings, type Settings } from '#config';
import process from 'node:process';

/**
 * The settings of this process, from its environment and from `.env` in the working directory.
 *
 * @param tell hears of variables whose names look misspelt
 * @throws InvalidSettings, which names them as well
 */
export function loadSettings(tell: (line: string) => void): Settings {
  loadDotEnv();
  const settings = readSettings(process.env);
  for (const line of misspeltNames(process.env)) tell(line);
  return settings;
}
