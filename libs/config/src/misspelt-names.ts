import { secretNames, variables } from './environment.js';
import { fileVariable } from './variable.js';

const KNOWN = [...Object.keys(variables), ...secretNames.map(fileVariable)];

/** Names that a message may repeat as they are. */
const PLAIN = /^[A-Za-z0-9_.-]{2,64}$/;

const MOST_REPORTED = 10;

/**
 * A sentence for each variable whose name resembles that of a setting that is not set: otherwise a typing mistake would
 * silently leave the setting at its default.
 */
export function misspeltNames(env: NodeJS.ProcessEnv): string[] {
  const isSet = (name: string): boolean => (env[name] ?? '') !== '';
  const missing = KNOWN.filter((name) => !isSet(name));
  return Object.keys(env)
    .filter((name) => PLAIN.test(name) && isSet(name) && !KNOWN.includes(name))
    .map((name) => ({ name, meant: missing.find((known) => isClose(name, known)) }))
    .filter(({ meant }) => meant !== undefined)
    .slice(0, MOST_REPORTED)
    .map(({ name, meant }) => `${name} is not a setting of Usher. Did you mean ${meant}?`);
}

function isClose(name: string, known: string): boolean {
  const [a, b] = [bare(name), bare(known)];
  // Other programs' HOME, POST or API_URL differ from short names of Usher's by one letter.
  const isShort = b.length < 8;
  const most = b.length < 10 ? 1 : 2;
  if (Math.abs(a.length - b.length) > most) return false;
  return distance(a, b, isShort ? 2 : 1) <= most;
}

/** Case and separators are mistaken as easily as letters: `databaseUrl`, `LOGLEVEL`. */
function bare(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '');
}

/** Insertions, deletions, substitutions and swapped neighbours (optimal string alignment). */
function distance(a: string, b: string, substitution: number): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : substitution),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        least = Math.min(least, beforeLast[column - 2]! + 1);
      }
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length]!;
}
