import { type Format, FormatError } from './format.js';

/** What a service token can open. None implies another. `metadata` is for writing `app_metadata`. */
export const SERVICE_PRIVILEGES = ['metrics', 'introspect', 'revoke', 'lookup', 'login', 'metadata'] as const;

export type ServicePrivilege = (typeof SERVICE_PRIVILEGES)[number];

/** A service that may ask, by SERVICE_TOKENS. */
export interface ServiceToken {
  readonly token: string;
  readonly privileges: ReadonlySet<ServicePrivilege>;
}

const NAME = /^[a-z0-9-]{1,32}$/;

// RFC 6750, section 2.1: what can stand after `Authorization: Bearer`.
const BEARER = /^[A-Za-z0-9\-._~+/]+=*$/;

const MIN_CHARACTERS = 32;

const KNOWN = SERVICE_PRIVILEGES.join(', ');

/** `name:privilege+privilege=token,…`: what each service may do, and its token, by its name. */
export const serviceTokens: Format<ReadonlyMap<string, ServiceToken>> = {
  expects:
    'a comma-separated list of name:privilege+privilege=token; names of 1 to 32 characters a-z, 0-9 and -, ' +
    `privileges among ${KNOWN}, tokens of at least ${MIN_CHARACTERS} characters A-Z, a-z, 0-9 and -._~+/ (= at the end)`,
  parse(text) {
    const services = new Map<string, ServiceToken>();
    if (text === '') return services;

    for (const [index, item] of text.split(',').entries()) {
      // By position, never by name: in a list that is written wrongly the name may be a token.
      const place = `item ${index + 1}`;
      const { name, privileges, token } = partsOf(item.trim());
      if (!NAME.test(name)) throw new FormatError(`${place} has no good name`);
      if (privileges === undefined) {
        throw new FormatError(
          `${place} names no privilege: write name:privilege=token, such as prometheus:metrics=… or gateway:introspect+lookup=…`,
        );
      }
      if (!BEARER.test(token)) throw new FormatError(`${place} has no good token`);
      if (token.length < MIN_CHARACTERS) throw new FormatError(`the token of ${place} is too short`);
      if (services.has(name)) throw new FormatError(`${place} has the name of another`);
      if ([...services.values()].some((other) => other.token === token)) {
        throw new FormatError(`${place} has the token of another`);
      }
      services.set(name, { token, privileges: privilegesOf(privileges, place) });
    }
    return services;
  },
};

/** Cut at the first `=`, because base64 ends a token with its own. `privileges` is `undefined` in `name=token`. */
function partsOf(item: string): { name: string; privileges: string | undefined; token: string } {
  const cut = item.indexOf('=');
  const [before, token] = cut === -1 ? [item, ''] : [item.slice(0, cut), item.slice(cut + 1)];
  const colon = before.indexOf(':');
  if (colon === -1) return { name: before, privileges: undefined, token };
  return { name: before.slice(0, colon), privileges: before.slice(colon + 1), token };
}

function privilegesOf(text: string, place: string): ReadonlySet<ServicePrivilege> {
  const named = text.split('+');
  const known = named.filter((name): name is ServicePrivilege =>
    (SERVICE_PRIVILEGES as readonly string[]).includes(name),
  );
  if (known.length < named.length)
    throw new FormatError(`${place} has an unknown privilege: ${KNOWN} are known`);
  const privileges = new Set(known);
  if (privileges.size < named.length) throw new FormatError(`${place} names a privilege twice`);
  return privileges;
}
