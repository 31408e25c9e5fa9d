import { type UserPage as DirectoryPage } from '#accounts';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { UserResponse } from '../auth/profile/profile.js';
import { cursorAfter } from '#http';

@ApiSchema({ name: 'UserPage', description: 'Newest first.' })
export class UserPage {
  @ApiProperty({ type: [UserResponse] })
  items!: UserResponse[];

  @ApiProperty({
    type: 'string',
    nullable: true,
    description:
      'For the next page; null on the last. A page may have fewer users than asked for, even none, and still not be the last.',
  })
  next_cursor!: string | null;

  static of({ users, next }: DirectoryPage): UserPage {
    return {
      items: users.map((user) => UserResponse.of(user)),
      next_cursor: next === undefined ? null : cursorAfter(next),
    };
  }
}

@ApiSchema({ name: 'FoundUsers' })
export class FoundUsers {
  @ApiProperty({ type: [UserResponse], description: 'In the order asked for, each once.' })
  items!: UserResponse[];

  @ApiProperty({ type: [String], format: 'uuid', description: 'The ids that nobody has.' })
  missing!: string[];
}
