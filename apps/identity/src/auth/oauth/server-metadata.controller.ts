import { Settings } from '#config';
import { Controller, Get, Header } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiSchema, ApiTags } from '@nestjs/swagger';
import { ApiProblems, AppError } from '#http';
import { Public } from '../../access/access.js';

/** The issuer is a plain name, such as `usher`. Clients find metadata by a URL and compare it with the issuer. */
export class NoServerMetadata extends AppError {
  readonly code = 'auth.no_server_metadata';

  constructor() {
    super(
      'The issuer of tokens is not a URL. Set JWT_ISSUER to the URL at which clients reach this service.',
    );
  }
}

const url = (description: string, example: string, required = true): PropertyDecorator =>
  ApiProperty({ type: 'string', format: 'uri', description, example, required });
const names = (description: string, example: string[]): PropertyDecorator =>
  ApiProperty({ type: [String], description, example });

/** RFC 8414, section 2. There are no authorization endpoint, no registration and no scopes to list. */
@ApiSchema({ name: 'ServerMetadata' })
export class ServerMetadata {
  @url('`JWT_ISSUER`; the claim `iss` of access tokens.', 'https://auth.example.com')
  issuer!: string;

  @url('Issues tokens.', 'https://auth.example.com/auth/token')
  token_endpoint!: string;

  @url(
    'The public keys of access tokens; absent if they are signed with a secret.',
    'https://auth.example.com/.well-known/jwks.json',
    false,
  )
  jwks_uri?: string;

  @names('None: there is no login page.', [])
  response_types_supported!: string[];

  @names('The grant types that the token endpoint accepts.', ['password', 'refresh_token'])
  grant_types_supported!: string[];

  @names('Clients of the token endpoint are not registered.', ['none'])
  token_endpoint_auth_methods_supported!: string[];

  @url('Introspects tokens for services (RFC 7662).', 'https://auth.example.com/auth/introspect')
  introspection_endpoint!: string;

  @names('How services authenticate.', ['client_secret_basic', 'Bearer'])
  introspection_endpoint_auth_methods_supported!: string[];

  @url('Revokes tokens for services (RFC 7009).', 'https://auth.example.com/auth/revoke')
  revocation_endpoint!: string;

  @names('How services authenticate.', ['client_secret_basic'])
  revocation_endpoint_auth_methods_supported!: string[];

  @url('The documentation, for developers.', 'https://auth.example.com/docs', false)
  service_documentation?: string;

  /** @throws NoServerMetadata */
  static of({
    jwtIssuer,
    jwtSecrets,
    docs,
  }: Pick<Settings, 'jwtIssuer' | 'jwtSecrets' | 'docs'>): ServerMetadata {
    if (!isIssuerUrl(jwtIssuer)) throw new NoServerMetadata();
    const base = jwtIssuer.replace(/\/$/, '');
    return {
      issuer: jwtIssuer,
      token_endpoint: `${base}/auth/token`,
      ...(jwtSecrets.length === 0 && { jwks_uri: `${base}/.well-known/jwks.json` }),
      response_types_supported: [],
      grant_types_supported: ['password', 'refresh_token'],
      token_endpoint_auth_methods_supported: ['none'],
      introspection_endpoint: `${base}/auth/introspect`,
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
      revocation_endpoint: `${base}/auth/revoke`,
      revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
      ...(docs && { service_documentation: `${base}/docs` }),
    };
  }
}

@ApiTags('services')
@Controller('.well-known')
@Public()
export class ServerMetadataController {
  constructor(private readonly settings: Settings) {}

  @Get('oauth-authorization-server')
  @Header('Cache-Control', 'public, max-age=300')
  @ApiOperation({ summary: 'Get the OAuth server metadata (RFC 8414)' })
  @ApiOkResponse({ type: ServerMetadata, description: 'The endpoints, and what they accept.' })
  @ApiProblems('auth.no_server_metadata')
  getServerMetadata(): ServerMetadata {
    return ServerMetadata.of(this.settings);
  }
}

/** RFC 8414, section 2: no query, no fragment. `http:` is for development and tests. */
function isIssuerUrl(text: string): boolean {
  if (!URL.canParse(text) || /[?#]/.test(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && username === '' && password === '';
}
