import { readSettings } from '#config';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../apps/identity/src/bootstrap/app.module.js';
import { AUDIT_ACTIONS } from '#accounts';
import { apiDescription } from '../../apps/identity/src/bootstrap/api-description.js';
import { buildOpenApi, createHttpAdapter } from '#http';

/** As much of OpenAPI as is asked about here. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: string[];
  allOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: unknown;
}

interface Operation {
  operationId: string;
  tags: string[];
  security: Record<string, string[]>[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<
    string,
    { $ref?: string; headers?: object; content?: Record<string, { schema: Schema }> }
  >;
}

interface Document {
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; securitySchemes: Record<string, object> };
}

describe('the OpenAPI document', () => {
  let document: Document;
  let operations: Operation[];

  beforeAll(async () => {
    const settings = readSettings({ NODE_ENV: 'test', LOG_LEVEL: 'silent' });
    const app = await NestFactory.create<NestFastifyApplication>(
      AppModule.forRoot(settings, 'postgres://nobody@127.0.0.1/none'),
      createHttpAdapter(settings),
      { preview: true, logger: false },
    );
    document = JSON.parse(JSON.stringify(buildOpenApi(app, apiDescription))) as Document;
    operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  });

  const named = (id: string): Operation => operations.find(({ operationId }) => operationId === id)!;
  const resolved = (schema: Schema): Schema =>
    schema.$ref ? document.components.schemas[schema.$ref.split('/').at(-1)!]! : schema;
  const problem = (id: string, status: string): Schema =>
    named(id).responses[status]!.content!['application/problem+json']!.schema;
  const codesIn = (schema: Schema): string[] => [
    ...(schema.properties?.code?.enum ?? []),
    ...[...(schema.allOf ?? []), ...(schema.oneOf ?? [])].flatMap(codesIn),
  ];

  it('the OpenAPI document names each call once, as a developer would', () => {
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)*$/.test(id))).toEqual([]);
    expect(ids).toEqual(
      expect.arrayContaining(['register', 'login', 'getMe', 'updateProfile', 'deleteUser']),
    );
    // Of a controller whose name would have to explain it.
    expect(ids.filter((id) => /^(list|get|create|update|delete|remove|revoke|read|find)$/.test(id))).toEqual(
      [],
    );
  });

  it('the OpenAPI document has each call under one declared tag, and begins with registration', () => {
    const declared = document.tags.map(({ name }) => name);
    for (const { operationId, tags } of operations) {
      expect([operationId, tags.length, declared.includes(tags[0]!)]).toEqual([operationId, 1, true]);
    }
    expect(declared.filter((name) => !operations.some(({ tags }) => tags[0] === name))).toEqual([]);
    expect([declared[0], Object.keys(document.paths)[0]]).toEqual(['auth', '/auth/register']);
  });

  it('the OpenAPI document asks for tokens only where the service reads them, login by password first', () => {
    for (const id of ['register', 'login', 'refreshSession', 'forgotPassword', 'getLiveness', 'getJwks']) {
      expect([id, named(id).security]).toEqual([id, []]);
    }
    expect(named('introspectToken').security.flatMap(Object.keys)).not.toContain('password');
    expect(Object.keys(document.components.securitySchemes)[0]).toBe('password');
    expect(named('getMe').security.map((way) => Object.keys(way)[0])).toEqual([
      'password',
      'bearer',
      'personal_token',
    ]);
  });

  it('the OpenAPI document lists the codes of each status, and the challenge of a login that needs a code', () => {
    expect(codesIn(problem('register', '409')).sort()).toEqual([
      'users.email_taken',
      'users.phone_taken',
      'users.username_taken',
    ]);
    expect(codesIn(problem('resetPassword', '400'))).toEqual(
      expect.arrayContaining(['auth.invalid_link', 'request.invalid_json']),
    );
    const { oneOf } = problem('login', '401');
    const withChallenge = oneOf!.find((each) => codesIn(each).includes('auth.second_factor_required'))!;
    expect(codesIn(withChallenge)).toEqual(['auth.second_factor_required']);
    expect(withChallenge.allOf!.flatMap(({ required = [] }) => required)).toContain('challenge');
    for (const { operationId, responses } of operations) {
      for (const [status, { content }] of Object.entries(responses)) {
        const schema = content?.['application/problem+json']?.schema;
        if (schema)
          expect([operationId, status, codesIn(schema).length > 0]).toEqual([operationId, status, true]);
      }
    }
  });

  it('the OpenAPI document refuses unknown fields where the service does, and names the actions of the audit log', () => {
    const bodies = operations.flatMap(({ requestBody }) => Object.entries(requestBody?.content ?? {}));
    for (const [type, { schema }] of bodies) {
      const isOAuth = type === 'application/x-www-form-urlencoded';
      expect([type, schema.$ref, resolved(schema).additionalProperties]).toEqual([
        type,
        schema.$ref,
        isOAuth ? undefined : false,
      ]);
    }
    expect(document.components.schemas.AuditAction!.enum).toEqual([...AUDIT_ACTIONS]);
  });

  it('the OpenAPI document declares the headers of answers, and the answer of a probe', () => {
    const headers = (id: string, status: string): string[] =>
      Object.keys(named(id).responses[status]!.headers ?? {}).sort();
    expect(headers('getMe', '200')).toEqual(['ETag', 'X-Cache', 'X-Request-Id']);
    expect(headers('getMe', '304')).toEqual(['ETag', 'X-Cache', 'X-Request-Id']);
    expect(headers('getMe', '401')).toEqual(['WWW-Authenticate', 'X-Request-Id']);
    expect(headers('login', '429')).toEqual(['RateLimit', 'RateLimit-Policy', 'Retry-After', 'X-Request-Id']);
    expect(headers('listSessions', '503')).toEqual(['Retry-After', 'X-Request-Id']);
    const live = named('getLiveness').responses['200']!.content!['application/json']!.schema;
    expect(resolved(live)).toMatchObject({ properties: { status: { enum: ['ok'] } }, required: ['status'] });
  });
});
