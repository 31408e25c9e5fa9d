export {
  AVATAR_SIZES,
  AvatarFiles,
  avatarId,
  type AvatarPictures,
  AVATARS_PATH,
  type AvatarSize,
  avatarUrl,
} from './avatar-files.js';
export { DiskStore } from './disk-store.js';
export { OBJECT_NAME, ObjectStore, type StoredName } from './object-store.js';
export { openStore, type StorageOptions } from './open-store.js';
export { StorageUnavailable } from './storage-errors.js';
export { StorageModule } from './storage.module.js';
