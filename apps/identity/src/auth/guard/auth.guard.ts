import { type CachedSession, SessionCache, UserCache } from '#accounts';
import { combineOrigins } from '#cache';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { CacheTrace } from '#http';
import { BadTokens } from '../../rate-limits/bad-tokens.js';
import { InvalidPersonalToken } from '../personal-tokens/errors.js';
import { PersonalTokenHolders } from '../personal-tokens/authenticator.js';
import { isPersonalToken } from '../personal-tokens/text.js';
import { type ScopeName } from '../../access/scopes.js';
import {
  type AccessClaims,
  type Principal,
  hasPrivilege,
  isAdmin,
  type PersonalTokenPrincipal,
  type ServicePrincipal,
} from '../../access/principal.js';
import { AccessTokens } from '../access-tokens/access-tokens.js';
import { InvalidToken } from '../access-tokens/errors.js';
import { type Access, ACCESS, ROLES, SCOPE } from '../../access/access.js';
import {
  Forbidden,
  InsufficientScope,
  InvalidClient,
  MissingPrivilege,
  MissingToken,
  TokenRevoked,
} from '../../access/access-errors.js';
import { bearerToken, sendsBasic } from '../../access/credentials.js';
import { contextOf } from '../../access/request-context.js';
import { ServiceTokens } from '../../access/service-tokens.js';

/**
 * The read way: who is this? A token says only which session and which user to look at; whether they are still there
 * and active, and what they may do, is asked on every request: of the cache by GET and HEAD, of PostgreSQL by all others.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AccessTokens,
    private readonly services: ServiceTokens,
    private readonly users: UserCache,
    private readonly sessions: SessionCache,
    private readonly holders: PersonalTokenHolders,
    private readonly badTokens: BadTokens,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.#enter(context);
    } catch (error) {
      if (isBadToken(error))
        await this.badTokens.count(contextOf(context.switchToHttp().getRequest()).client);
      throw error;
    }
  }

  async #enter(context: ExecutionContext): Promise<boolean> {
    const access =
      this.reflector.getAllAndOverride<Access | undefined>(ACCESS, [
        context.getHandler(),
        context.getClass(),
      ]) ?? 'user';
    if (access === 'anyone') return true;

    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (access === 'service' && sendsBasic(request) && request.routeOptions.config.takesBasic) {
      const client = this.services.findByBasic(request);
      if (!client) throw new InvalidClient();
      request.principal = { kind: 'service', ...client };
      admit(request, access);
      return true;
    }
    const token = bearerToken(request);
    if (token !== undefined && isPersonalToken(token) && this.services.find(token) === undefined) {
      const caller = await this.#holder(token, request, http.getResponse<FastifyReply>());
      request.principal = caller; // a refusal, too, was somebody's request
      requireScope(caller, this.reflector.get<ScopeName | undefined>(SCOPE, context.getHandler()));
      admit(request, access);
      requireRole(caller, this.#rolesFor(context));
      return true;
    }
    if (access === 'token holder') {
      if (token === undefined) throw new MissingToken();
      request.claims = await this.#verify(token, request);
      requireRole(undefined, this.#rolesFor(context)); // nobody was looked up
      return true;
    }
    if (token !== undefined) {
      request.principal = await this.#caller(token, request, http.getResponse<FastifyReply>());
    }
    admit(request, access);
    requireRole(request.principal, this.#rolesFor(context));
    return true;
  }

  #rolesFor(context: ExecutionContext): readonly string[] | undefined {
    return this.reflector.getAllAndOverride<readonly string[] | undefined>(ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
  }

  async #caller(token: string, request: FastifyRequest, reply: FastifyReply): Promise<Principal> {
    const service = this.services.find(token);
    if (service) return { kind: 'service', ...service };
    const claims = await this.#verify(token, request);
    const trace = CacheTrace.of(request, reply);
    const options = readOptions(request, trace);
    const [session, user] = await Promise.all([
      this.sessions.byId(claims.sessionId, options),
      this.users.byId(claims.userId, options),
    ]);
    trace.shown({ value: user.value, origin: combineOrigins(session.origin, user.origin) });
    if (!isOf(session.value, claims.userId) || !user.value?.isActive) throw new TokenRevoked();
    return { kind: 'user', user: user.value, sessionId: claims.sessionId };
  }

  #verify(token: string, request: FastifyRequest): Promise<AccessClaims> {
    return this.tokens.verify(token, (check) => this.badTokens.look(contextOf(request).client, check));
  }

  async #holder(
    token: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<PersonalTokenPrincipal> {
    const trace = CacheTrace.of(request, reply);
    const answer = await this.holders.admit(token, contextOf(request).client, readOptions(request, trace));
    const holder = answer && trace.shown(answer);
    if (!holder) throw new InvalidPersonalToken();
    const { user, token: personal } = holder;
    return {
      kind: 'user',
      user,
      sessionId: undefined,
      personalTokenId: personal.id,
      scopes: personal.scopes,
    };
  }
}

/** A token that is ours and has expired is none: clients send one before they refresh. */
function isBadToken(error: unknown): boolean {
  if (error instanceof InvalidToken) return error.reason !== 'expired';
  return error instanceof TokenRevoked || error instanceof InvalidPersonalToken;
}

/**
 * A call that may change something asks PostgreSQL about its caller: rights that ended within Δ change nothing any more,
 * no cache can grant any, and while PostgreSQL is out of reach the call is refused, as its write would be.
 */
function readOptions({ method }: FastifyRequest, trace: CacheTrace): { readonly truth: boolean } {
  return method === 'GET' || method === 'HEAD' ? trace.options : { truth: true };
}

function isOf(session: CachedSession | null, userId: string): boolean {
  return session?.userId === userId && session.expiresAtMs > Date.now();
}

function requireScope({ scopes }: PersonalTokenPrincipal, scope: ScopeName | undefined): void {
  if (scope === undefined || !scopes.includes(scope)) throw new InsufficientScope(scope);
}

/** @param roles of which one will do; `undefined`: none is asked for */
function requireRole(caller: Principal | undefined, roles: readonly string[] | undefined): void {
  if (roles === undefined) return;
  if (caller?.kind === 'user' && roles.some((role) => caller.user.roles.includes(role))) return;
  throw new Forbidden(`This is for users with the role ${roles.join(' or ')}.`);
}

function admit(request: FastifyRequest, access: Access): void {
  const { principal } = request;
  if (access === 'anyone' || access === 'anyone, known or not') return;
  if (principal === undefined) throw new MissingToken();
  switch (access) {
    case 'token holder':
      return;
    case 'user':
      if (principal.kind !== 'user') throw new Forbidden('This is for users; a service has no profile.');
      return;
    case 'admin':
      if (!isAdmin(principal)) throw new Forbidden('This is for administrators.');
      return;
    case 'admin or service':
      if (principal.kind === 'service') return requirePrivilege(principal, request);
      if (!isAdmin(principal)) throw new Forbidden('This is for administrators and services.');
      return;
    case 'service':
      if (principal.kind !== 'service') throw new Forbidden('This is for services.');
      requirePrivilege(principal, request);
  }
}

function requirePrivilege(caller: ServicePrincipal, { routeOptions }: FastifyRequest): void {
  const { privilege } = routeOptions.config;
  if (privilege === undefined) throw new Forbidden('This is for no service.'); // fail closed
  if (!hasPrivilege(caller, privilege)) throw new MissingPrivilege(privilege);
}
