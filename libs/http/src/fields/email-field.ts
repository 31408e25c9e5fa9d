import { domainToASCII } from 'node:url';
import { Transform } from 'class-transformer';
import { field, type FieldOptions, isAString, stringRule } from './field.js';

/** An email address; the handler receives it normalised. */
export function EmailField(options: Partial<FieldOptions> = {}): PropertyDecorator {
  return field(
    {
      description: 'Email address; compared without regard to case.',
      example: 'ada@example.com',
      ...options,
    },
    { type: 'string', format: 'email', maxLength: 254 },
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' ? (normaliseEmail(value) ?? value) : value,
    ),
    isAString,
    stringRule('email', 'Input should be an email address', (text) => normaliseEmail(text) !== undefined),
  );
}

const MAX_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;
const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
// domainToASCII parses URL hosts: it would decode `%61` and turn `0x7f.1` into an IPv4 address.
const ASCII_BUT_HOSTNAME = /[\0-,/:-@[-`{-\x7f]/;

/**
 * The form in which an address is stored and compared: trimmed, in lower case, an international domain in Punycode
 * (RFC 5891). The local part is a dot-atom of ASCII (RFC 5321, section 4.1.2).
 * @returns `undefined` for malformed addresses, and those longer than 254 characters
 */
export function normaliseEmail(text: string): string | undefined {
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf('@');
  const local = trimmed.slice(0, Math.max(at, 0));
  const domain = trimmed.slice(at + 1);
  if (local.length > MAX_LOCAL_LENGTH || !LOCAL.test(local)) return undefined;
  if (domain.length > MAX_LENGTH || ASCII_BUT_HOSTNAME.test(domain)) return undefined;

  const ascii = domainToASCII(domain);
  const email = `${local.toLowerCase()}@${ascii}`;
  return DOMAIN.test(ascii) && email.length <= MAX_LENGTH ? email : undefined;
}
