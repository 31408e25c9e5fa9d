import { type Format, FormatError } from './format.js';

/** What other numbers are multiplied by. Decimal digits only, as for whole numbers, and a few after the point. */
export const factor: Format<number> = {
  expects: 'a number from 0 to 1000000 with at most three decimals, such as 0.5 or 20',
  parse(text) {
    if (!/^\d{1,7}(\.\d{1,3})?$/.test(text)) throw new FormatError();
    const value = Number(text);
    if (value > 1_000_000) throw new FormatError();
    return value;
  },
};
