import { type Format, FormatError } from './format.js';

// Several hosts (Sentinel, Cluster) are more than WHATWG's URL can read, hence our own reading. A second @, a # or a
// stray % can only come from a password that was not percent-encoded, and drivers would then cut it anywhere.
const SHAPE =
  /^(?<scheme>[a-z+]+):\/\/(?:(?<user>[^@/?#\s]*)@)?(?<hosts>[^@/?#\s]*)(?<path>\/[^@?#\s]*)?(?<query>\?[^#\s]*)?$/;

const HOST = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?<port>\d{1,5}))?$/i;

// How libpq and pg write the directory of a Unix socket: postgres://%2Frun%2Fpostgresql/usher
const SOCKET_DIRECTORY = /^%2f[a-z0-9._%-]*$/i;

const STRAY_PERCENT = /%(?![0-9a-f]{2})/i;

export const postgresUrl: Format<string> = {
  expects: 'a URL such as postgres://user:password@host:5432/database, with the password percent-encoded',
  parse(text) {
    const { scheme, hosts } = partsOf(text);
    if (!['postgres', 'postgresql'].includes(scheme)) throw new FormatError();
    // Without a host, PostgreSQL's driver takes its own default or `?host=`.
    if (hosts !== '' && !isHost(hosts) && !SOCKET_DIRECTORY.test(hosts)) throw new FormatError();
    return text;
  },
};

/** What DATABASE_URL says where the embedded PostgreSQL is meant, by name. */
export const EMBEDDED = 'embedded';

export const postgresUrlOrEmbedded: Format<string> = {
  expects: `${postgresUrl.expects}; or ${EMBEDDED}`,
  parse: (text) => (text === EMBEDDED ? text : postgresUrl.parse(text)),
};

export const smtpUrl: Format<string> = {
  expects:
    'a URL such as smtp://user:password@host:587 or smtps://user:password@host (TLS from the start), with the ' +
    'password percent-encoded',
  parse(text) {
    const { scheme, hosts, path, query } = partsOf(text);
    if (!['smtp', 'smtps'].includes(scheme) || !isHost(hosts)) throw new FormatError();
    // A query could turn off what keeps the password safe.
    if (!['', '/'].includes(path) || query !== '') throw new FormatError();
    return text;
  },
};

/**
 * A connection URL fit for a log: the password (or a user name that stands alone, which often is one) and the whole
 * query, which may hold another, read `[set]`.
 */
export function withoutSecrets(url: string): string {
  const { scheme, user, hosts, path, query } = partsOf(url);
  return `${scheme}://${maskedUser(user)}${hosts}${path}${query === '' ? '' : '?[set]'}`;
}

function maskedUser(user: string | undefined): string {
  if (user === undefined) return '';
  const cut = user.indexOf(':');
  return cut === -1 ? '[set]@' : `${user.slice(0, cut)}:[set]@`;
}

/** The parts of a connection URL, still percent-encoded. */
interface Parts {
  scheme: string;
  user: string | undefined;
  hosts: string;
  path: string;
  query: string;
}

export function partsOf(url: string): Parts {
  const groups = SHAPE.exec(url)?.groups;
  if (!groups || STRAY_PERCENT.test(url)) throw new FormatError();
  const { scheme = '', user, hosts = '', path = '', query = '' } = groups;
  return { scheme, user, hosts, path, query };
}

/** Whether it is `host` or `host:port`; IPv6 in brackets. */
export function isHost(text: string): boolean {
  const match = HOST.exec(text);
  if (!match) return false;
  const port = match.groups?.port;
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
}
