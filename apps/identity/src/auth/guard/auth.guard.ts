import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { CacheTrace } from '#http';
import { type Access, ACCESS, ROLES, SCOPE } from '../../access/access.js';
import {
  Forbidden,
  InsufficientScope,
  MissingPrivilege,
  MissingToken,
  TokenRevoked,
} from '../../access/access-errors.js';
import { clientOf } from '../../access/client.js';
import { bearerToken, sendsBasic } from '../../access/credentials.js';
import {
  type FirstUse,
  hasPrivilege,
  isAdmin,
  type Principal,
  type ServicePrincipal,
} from '../../access/principal.js';
import { type ScopeName } from '../../access/scopes.js';
import { BadTokens } from '../../rate-limits/bad-tokens.js';
import { AccessTokenAuthenticator } from '../access-tokens/authenticator.js';
import { InvalidToken } from '../access-tokens/errors.js';
import { PersonalTokenAuthenticator } from '../personal-tokens/authenticator.js';
import { InvalidPersonalToken } from '../personal-tokens/errors.js';
import { isPersonalToken } from '../personal-tokens/text.js';
import { ServiceTokenAuthenticator } from '../service-tokens/authenticator.js';

/** What the decorators of a route ask for. */
interface RouteRules {
  readonly access: Access;
  /** The scope with which a personal access token opens the route; `undefined`: none does. */
  readonly scope: ScopeName | undefined;
  /** One of them is enough; `undefined`: the route asks for none. */
  readonly roles: readonly string[] | undefined;
}

/**
 * Stands before every route: finds the principal, then decides whether the route is open to it. Users are read on every
 * request: from the caches on GET and HEAD, from PostgreSQL on all other methods.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  /** By controller, then handler: two controllers may inherit one handler and decorate themselves differently. */
  readonly #rules = new WeakMap<object, WeakMap<object, RouteRules>>();

  constructor(
    private readonly reflector: Reflector,
    private readonly accessTokens: AccessTokenAuthenticator,
    private readonly personalTokens: PersonalTokenAuthenticator,
    private readonly serviceTokens: ServiceTokenAuthenticator,
    private readonly badTokens: BadTokens,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const { access, scope, roles } =
      this.#rules.get(context.getClass())?.get(context.getHandler()) ?? this.#readRules(context);
    if (access === 'anyone') return true;
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    try {
      await this.#authenticate(access, request, http.getResponse<FastifyReply>());
    } catch (error) {
      if (isBadToken(error)) await this.badTokens.count(clientOf(request));
      throw error;
    }
    const { principal } = request;
    if (principal && 'token' in principal) {
      requireScope(principal.token.scopes, scope);
    }
    requireAccess(access, request);
    if (roles) requireRole(principal, roles);
    return true;
  }

  /** Sets `request.principal`, or `request.claims` for token holders; neither if no token was sent. */
  async #authenticate(access: Access, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (access === 'service' && sendsBasic(request) && request.routeOptions.config.takesBasic) {
      request.principal = this.serviceTokens.authenticateBasic(request);
      return;
    }
    const token = bearerToken(request);
    if (token === undefined) return;
    const firstUse: FirstUse = (check) => this.badTokens.attempt(clientOf(request), check);
    const service = this.serviceTokens.authenticate(token);
    if (service === undefined && isPersonalToken(token)) {
      const trace = CacheTrace.of(request, reply);
      const answer = await this.personalTokens.authenticate(token, readOptions(request, trace), firstUse);
      const principal = trace.shown(answer);
      if (!principal) throw new InvalidPersonalToken();
      this.personalTokens.recordUse(principal);
      request.principal = principal; // before its scopes are checked: a refusal is logged with its user
    } else if (access === 'token holder') {
      request.claims = await this.accessTokens.verify(token, firstUse);
    } else if (service) {
      request.principal = service;
    } else {
      const trace = CacheTrace.of(request, reply);
      const answer = await this.accessTokens.authenticate(token, readOptions(request, trace), firstUse);
      const principal = trace.shown(answer);
      if (!principal) throw new TokenRevoked();
      request.principal = principal;
    }
  }

  /** What the decorators of the handler say, else those of its class. Read once per handler. */
  #readRules(context: ExecutionContext): RouteRules {
    const [handler, controller] = [context.getHandler(), context.getClass()];
    const targets = [handler, controller];
    const rules: RouteRules = {
      access: this.reflector.getAllAndOverride<Access | undefined>(ACCESS, targets) ?? 'user',
      scope: this.reflector.get<ScopeName | undefined>(SCOPE, handler),
      roles: this.reflector.getAllAndOverride<readonly string[] | undefined>(ROLES, targets),
    };
    const ofController = this.#rules.get(controller) ?? new WeakMap<object, RouteRules>();
    this.#rules.set(controller, ofController.set(handler, rules));
    return rules;
  }
}

/** An expired token of ours is not bad: clients send one before they refresh. */
function isBadToken(error: unknown): boolean {
  if (error instanceof InvalidToken) return error.reason !== 'expired';
  return error instanceof TokenRevoked || error instanceof InvalidPersonalToken;
}

/**
 * Calls that may change something read the principal from PostgreSQL: rights revoked within Δ change nothing, no cache
 * can grant any, and while PostgreSQL is out of reach the call is refused, as its write would be.
 */
function readOptions({ method }: FastifyRequest, trace: CacheTrace): { readonly truth: boolean } {
  return method === 'GET' || method === 'HEAD' ? trace.options : { truth: true };
}

function requireScope(scopes: readonly string[], scope: ScopeName | undefined): void {
  if (scope === undefined || !scopes.includes(scope)) throw new InsufficientScope(scope);
}

/** @param roles one of them is enough */
function requireRole(principal: Principal | undefined, roles: readonly string[]): void {
  if (principal?.kind === 'user' && roles.some((role) => principal.user.roles.includes(role))) return;
  throw new Forbidden(`This is for users with the role ${roles.join(' or ')}.`);
}

function requireAccess(access: Access, request: FastifyRequest): void {
  const { principal, claims } = request;
  if (access === 'anyone' || access === 'anyone, known or not') return;
  if (principal === undefined && claims === undefined) throw new MissingToken();
  switch (access) {
    case 'token holder':
      return;
    case 'user':
      if (principal?.kind !== 'user') throw new Forbidden('This is for users; a service has no profile.');
      return;
    case 'admin':
      if (!isAdmin(principal)) throw new Forbidden('This is for administrators.');
      return;
    case 'admin or service':
      if (principal?.kind === 'service') return requirePrivilege(principal, request);
      if (!isAdmin(principal)) throw new Forbidden('This is for administrators and services.');
      return;
    case 'service':
      if (principal?.kind !== 'service') throw new Forbidden('This is for services.');
      requirePrivilege(principal, request);
  }
}

function requirePrivilege(service: ServicePrincipal, { routeOptions }: FastifyRequest): void {
  const { privilege } = routeOptions.config;
  if (privilege === undefined) throw new Forbidden('This is for no service.'); // fail closed
  if (!hasPrivilege(service, privilege)) throw new MissingPrivilege(privilege);
}
