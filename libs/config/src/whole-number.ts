import { type Format, FormatError } from './format.js';

/** Decimal digits only: `1e3`, `0x10`, `+5` and `5.0` are more likely mistakes than numbers. */
export function wholeNumber(min: number, max: number, what = 'a whole number'): Format<number> {
  return {
    expects: `${what} from ${min} to ${max}`,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) throw new FormatError();
      const value = Number(text);
      if (value < min || value > max) throw new FormatError();
      return value;
    },
  };
}
