import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../audit-log/audited.js';
import { AdminsAndServicesOnly, AdminsOnly, Scope, UsersOnly } from '../access/access.js';
import { type Principal } from '../access/principal.js';
import { CurrentPrincipal } from '../access/current-user.js';
import { UserResponse } from '../auth/profile/profile.js';
import { ApiProblems, CacheTrace, InvalidInput, WithETag, Trace } from '#http';
import { RateLimit, REQUEST_LIMITS } from '../rate-limits/rate-limit.js';
import { PublicProfile } from './public-profile.js';
import {
  AppMetadataRequest,
  FoundUsers,
  LookupQuery,
  LookupRequest,
  SearchQuery,
  StandingRequest,
  UsernamePath,
  UserPage,
  UserPath,
} from './user.dto.js';
import { Context, type RequestContext } from '../access/request-context.js';
import { type Name, UsersService } from './users.service.js';

const PAGE_SIZE = 20;

@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  @Get()
  @AdminsOnly()
  @Scope('users:read')
  @ApiTags('administration')
  @ApiOperation({ summary: 'Search users, newest first' })
  @ApiOkResponse({ type: UserPage, description: 'A page of users.' })
  @ApiProblems('request.validation')
  listUsers(@Query() { q, is_active, is_admin, limit, cursor }: SearchQuery): Promise<UserPage> {
    return this.users.search({
      text: q,
      isActive: is_active,
      isAdmin: is_admin,
      cursor,
      limit: limit ?? PAGE_SIZE,
    });
  }

  @Get('lookup')
  @RateLimit(REQUEST_LIMITS.lookup)
  @AdminsAndServicesOnly('lookup')
  @Scope('users:read')
  @WithETag()
  @ApiTags('users')
  @ApiOperation({ summary: 'Find one user by email, phone or username' })
  @ApiOkResponse({ type: UserResponse, description: 'The user.' })
  @ApiProblems('users.not_found', 'request.validation')
  lookUpUser(@Query() query: LookupQuery, @Trace() trace: CacheTrace): Promise<UserResponse> {
    return this.users.find(theOne(query), trace);
  }

  @Post('lookup')
  @AdminsAndServicesOnly('lookup')
  @Scope('users:read')
  @HttpCode(200)
  @ApiTags('users')
  @ApiOperation({ summary: 'Find up to 100 users by id' })
  @ApiOkResponse({ type: FoundUsers, description: 'The users, and the ids without a user.' })
  @ApiProblems('request.validation')
  lookUpUsers(@Body() { ids }: LookupRequest, @Trace() trace: CacheTrace): Promise<FoundUsers> {
    return this.users.findMany(ids, trace);
  }

  @Get('by-username/:username')
  @RateLimit(REQUEST_LIMITS.lookup)
  @UsersOnly()
  @Scope('users:read')
  @WithETag()
  @ApiTags('users')
  @ApiOperation({ summary: 'Get the profile of a user by username' })
  @ApiOkResponse({ type: PublicProfile, description: 'The fields that the caller may see.' })
  @ApiProblems('users.not_found', 'request.validation')
  getUserByUsername(
    @Param() { username }: UsernamePath,
    @CurrentPrincipal() viewer: Principal | undefined,
    @Trace() trace: CacheTrace,
  ): Promise<PublicProfile> {
    return this.users.profileByUsername(username, viewer, trace);
  }

  @Get(':id')
  @UsersOnly()
  @Scope('users:read')
  @WithETag()
  @ApiTags('users')
  @ApiOperation({ summary: 'Get the profile of a user' })
  @ApiOkResponse({ type: PublicProfile, description: 'The fields that the caller may see.' })
  @ApiProblems('users.not_found', 'request.validation')
  getUser(
    @Param() { id }: UserPath,
    @CurrentPrincipal() viewer: Principal | undefined,
    @Trace() trace: CacheTrace,
  ): Promise<PublicProfile> {
    return this.users.profile(id, viewer, trace);
  }

  @Patch(':id')
  @RateLimit(REQUEST_LIMITS.administration)
  @AdminsOnly()
  @Audited('admin.user_changed')
  @Scope('users:write')
  @ApiTags('administration')
  @ApiOperation({ summary: 'Activate or deactivate a user, or set roles and app_metadata' })
  @ApiOkResponse({ type: UserResponse, description: 'The updated user.' })
  @ApiProblems(
    'users.not_found',
    'users.last_admin',
    'users.email_not_verified',
    'users.metadata_too_large',
    'request.validation',
  )
  updateUser(
    @Param() { id }: UserPath,
    @Body() { is_active, is_admin, roles, app_metadata, trust_unverified }: StandingRequest,
    @Context() context: RequestContext,
  ): Promise<UserResponse> {
    if (is_admin !== undefined && roles !== undefined && is_admin !== roles.includes('admin')) {
      throw new InvalidInput([
        { loc: ['body', 'is_admin'], msg: 'Input should agree with roles', type: 'roles_disagree' },
      ]);
    }
    context.audit.changing({ is_active, is_admin, roles, app_metadata, trust_unverified });
    return this.users.changeStanding(
      id,
      { isActive: is_active, isAdmin: is_admin, roles, appMetadata: app_metadata },
      { trustUnverified: trust_unverified },
    );
  }

  @Patch(':id/app-metadata')
  @RateLimit(REQUEST_LIMITS.administration)
  @AdminsAndServicesOnly('metadata')
  @Audited('admin.user_changed')
  @Scope('users:write')
  @ApiTags('administration')
  @ApiOperation({ summary: 'Change the app_metadata of a user' })
  @ApiOkResponse({ type: UserResponse, description: 'The updated user.' })
  @ApiProblems('users.not_found', 'users.metadata_too_large', 'request.validation')
  updateAppMetadata(
    @Param() { id }: UserPath,
    @Body() { app_metadata }: AppMetadataRequest,
    @Context() context: RequestContext,
  ): Promise<UserResponse> {
    context.audit.about(id);
    context.audit.changing({ app_metadata });
    return this.users.changeStanding(id, { appMetadata: app_metadata }, {});
  }
}

function theOne({ email, phone, username }: LookupQuery): Name {
  const names = [
    ...(email === undefined ? [] : [{ email }]),
    ...(phone === undefined ? [] : [{ phone }]),
    ...(username === undefined ? [] : [{ username }]),
  ];
  const [name, ...more] = names;
  if (!name || more.length > 0) {
    throw new InvalidInput([
      { loc: ['query'], msg: 'Give one of email, phone and username', type: 'exactly_one' },
    ]);
  }
  return name;
}
