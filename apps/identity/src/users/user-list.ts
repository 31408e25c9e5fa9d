import { type CachedUser } from '#user-cache';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { UserResponse } from '../auth/user-response.js';
import { cursorAfter } from '../http/input/page-cursor.js';

@ApiSchema({ name: 'UserPage', description: 'Newest first.' })
export class UserPage {
  @ApiProperty({ type: [UserResponse] })
  items!: UserResponse[];

  @ApiProperty({ type: 'string', nullable: true, description: 'For the next page; null on the last.' })
  next_cursor!: string | null;

  /** @param users one more than the limit tells that there is a next page */
  static of(users: readonly CachedUser[], limit: number): UserPage {
    const items = users.slice(0, limit).map((user) => UserResponse.of(user));
    const last = items.at(-1);
    return { items, next_cursor: users.length > limit && last ? cursorAfter(last.id) : null };
  }
}

@ApiSchema({ name: 'FoundUsers' })
export class FoundUsers {
  @ApiProperty({ type: [UserResponse], description: 'In the order asked for, each once.' })
  items!: UserResponse[];

  @ApiProperty({ type: [String], format: 'uuid', description: 'The ids that nobody has.' })
  missing!: string[];
}
