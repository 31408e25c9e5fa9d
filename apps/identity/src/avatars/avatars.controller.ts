import { Controller, Delete, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import {
  ApiBody,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProperty,
  ApiResponse,
  ApiSchema,
  ApiTags,
} from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { AvatarFiles } from '#storage';
import { type CachedUser } from '#accounts';
import { ApiProblems, Consumes, Deadline, isAnswered, NotFound, WithETag } from '#http';
import { Public, Scope, UsersOnly } from '../access/access.js';
import { CurrentUser } from '../access/current-user.js';
import { Audited } from '../audit-log/audited.js';
import { UserResponse } from '../auth/profile/profile.js';
import { RateLimit, REQUEST_LIMITS } from '../rate-limits/rate-limit.js';
import { AvatarsService } from './avatars.service.js';
import { MULTIPART, Uploads } from './uploads.js';

/** Ten seconds for the picture to arrive, after which the server closes the connection, and five to decode it. */
const UPLOAD_DEADLINE_MS = 15_000;

@ApiSchema({ name: 'AvatarUpload' })
export class AvatarUpload {
  @ApiProperty({
    type: 'string',
    format: 'binary',
    description:
      'A PNG, JPEG, WebP or GIF picture of at most 5 MB; only the first frame of an animation is used.',
  })
  file!: string;
}

@Controller()
export class AvatarsController {
  constructor(
    private readonly avatars: AvatarsService,
    private readonly uploads: Uploads,
    private readonly files: AvatarFiles,
  ) {}

  @Post('auth/upload-avatar')
  @RateLimit(REQUEST_LIMITS.profile)
  @UsersOnly()
  @Audited('account.avatar_changed')
  @Scope('profile:write')
  @HttpCode(200)
  @Consumes(MULTIPART)
  @Deadline(UPLOAD_DEADLINE_MS)
  @ApiTags('account')
  @ApiOperation({
    summary: 'Upload an avatar for the current user',
    description:
      'The picture is made upright, square and 512 pixels wide, without metadata, and served at `avatar_url`. With 128 ' +
      'in place of 512, that address has a smaller one.',
  })
  @ApiBody({ type: AvatarUpload })
  @ApiOkResponse({ type: UserResponse, description: 'The updated user.' })
  @ApiProblems(
    'request.invalid_multipart',
    'request.duplicate_field',
    'avatars.too_large',
    'request.unsupported_media_type',
    'request.validation',
    'avatars.not_a_picture',
    'avatars.broken_picture',
    'avatars.too_many_pixels',
    'avatars.busy',
    'storage.unavailable',
  )
  async uploadAvatar(
    @CurrentUser() user: CachedUser,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserResponse> {
    // False after the deadline, and when the client has closed the connection.
    const isAwaited = (): boolean => !isAnswered(reply) && !reply.raw.destroyed;
    return UserResponse.of(
      await this.uploads.receive({ request, reply }, user.id, (file) =>
        this.avatars.change(user, file, isAwaited),
      ),
    );
  }

  @Delete('auth/avatar')
  @RateLimit(REQUEST_LIMITS.profile)
  @UsersOnly()
  @Audited('account.avatar_changed')
  @Scope('profile:write')
  @HttpCode(204)
  @ApiTags('account')
  @ApiOperation({ summary: 'Remove the avatar of the current user' })
  @ApiNoContentResponse({ description: 'The avatar is removed.' })
  @ApiProblems('storage.unavailable')
  async deleteAvatar(@CurrentUser() user: CachedUser): Promise<void> {
    await this.avatars.remove(user);
  }

  @Get('avatars/:name')
  @Public()
  @WithETag({ cacheControl: 'public, max-age=31536000, immutable' }) // RFC 8246
  @ApiTags('users')
  @ApiOperation({ summary: 'An avatar' })
  @ApiParam({
    name: 'name',
    description: 'The last segment of `avatar_url`.',
    example: '7f3c9b0a5d1e4f28a6b7c8d9e0f10213-512.webp',
    schema: { type: 'string' },
  })
  @ApiResponse({
    status: 200,
    description: 'The picture. It never changes: a new picture has a new address.',
    content: { 'image/webp': { schema: { type: 'string', format: 'binary' } } },
  })
  @ApiProblems('not_found', 'storage.unavailable')
  async getAvatar(
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Buffer> {
    const picture = await this.files.read(name);
    if (!picture) throw new NotFound('There is no such picture.');
    void reply.type('image/webp').headers({
      etag: `"${name}"`,
      'content-disposition': `inline; filename="${name}"`,
      'cross-origin-resource-policy': 'cross-origin', // any page may show it
    });
    return picture;
  }
}
